import { describe, expect, it } from 'vitest';
import { bytes, count, duration, figure, magnitude, percent, plural, tick } from './format';

describe('numbers as people read them', () => {
  it.each([
    [4.23, '4.2 s'],
    [59.4, '59 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
    [NaN, '–'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

  it.each([
    [0, '0.0000'],
    [0.0612, '0.0612'],
    [0.0002, '2.00e-4'],
    [1.234, '1.23'],
    [18.31, '18.3'],
    [58_300, '58,300'],
    [Infinity, '–'],
  ])('%d is %s', (value, text) => expect(figure(value)).toBe(text));

  it.each([
    [0, '0'],
    [0.05, '0.05'],
    [5e-4, '0.0005'],
    [1.2e-4, '1.2e-4'],
    [1e-5, '1e-5'],
    [2000, '2000'],
    [20_000, '20k'],
    [1_500_000, '1.5M'],
    [0.1 + 0.2, '0.3'],
  ])('the mark at %d is %s', (value, text) => expect(tick(value)).toBe(text));

  it('counts', () => {
    expect(count(12_345)).toBe('12,345');
    expect(plural(1, 'image')).toBe('1 image');
    expect(plural(2000, 'image')).toBe('2,000 images');
    expect(percent(0.416)).toBe('42 %');
    expect(bytes(312_400_000)).toBe('312 MB');
    expect(bytes(2_340_000_000)).toBe('2.3 GB');
    expect(magnitude(278_081)).toBe('278 k');
    expect(magnitude(1_620_000)).toBe('1.6 M');
  });
});
