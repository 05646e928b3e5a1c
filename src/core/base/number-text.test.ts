import { expect, it } from 'vitest';
import { bytesText, precise } from './number-text';

it.each([
  [0, '0'],
  [0.0123456, '0.01235'],
  [-0.5, '-0.5'],
  [123456.7, '123500'],
  [1.234e-9, '1.23e-9'],
  [4.5e7, '4.50e+7'],
  [NaN, 'NaN'],
  [Infinity, '∞'],
  [-Infinity, '−∞'],
])('%s is told as %s', (value, text) => {
  expect(precise(value)).toBe(text);
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [4_200_000, '4.2 MB'],
])('%i bytes are told as %s', (value, text) => {
  expect(bytesText(value)).toBe(text);
});
