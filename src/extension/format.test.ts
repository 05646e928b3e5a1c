import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDuration, formatLoss, formatSpeed, plain } from './format';

describe('numbers as people read them', () => {
  it.each([
    [0, '0.0 s'],
    [0.4, '0.4 s'],
    [45.2, '45 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [200, '3 min 20 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
    [86_399, '1 d 00 h'],
    [273_600, '3 d 04 h'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0.00'],
    [0.042342, '0.0423'],
    [1.23456, '1.23'],
    [0.0000123, '1.23e-5'],
  ])('a loss of %d is %s', (loss, text) => expect(formatLoss(loss)).toBe(text));

  it.each([
    [25.3, '25 it/s'],
    [6.84, '6.8 it/s'],
    [0.4, '2.5 s/it'],
  ])('%d steps a second are %s', (speed, text) => expect(formatSpeed(speed)).toBe(text));

  it.each([
    [12, '12 B'],
    [999, '999 B'],
    [999_600, '1.0 MB'],
    [4_213_000, '4.2 MB'],
    [250_400_000, '250 MB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('groups thousands', () => expect(formatCount(1_234_567)).toBe('1,234,567'));

  it('keeps names from being read as Markdown', () => {
    expect(plain('a_b [x](command:evil)\n<img>')).toBe('a\\_b \\[x\\]\\(command:evil\\) \\<img\\>');
  });
});
