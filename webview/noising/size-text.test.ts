import { expect, it } from 'vitest';
import { sizeText } from './size-text';

it.each([
  ['24 × 24, colour', { side: 24, channels: 3, source: [24, 24] }],
  ['24 × 24, grey', { side: 24, channels: 1, source: null }],
  ['128 × 128 from 512 × 512, grey', { side: 128, channels: 1, source: [512, 512] }],
  [
    '128 × 128 from 8,000 × 6,000, middle square, colour',
    { side: 128, channels: 3, source: [8000, 6000] },
  ],
  ['24 × 24 from 24 × 40, middle square, colour', { side: 24, channels: 3, source: [24, 40] }],
  ['64 × 64 from 8 × 8, colour', { side: 64, channels: 3, source: [8, 8] }],
] as const)('says %s', (text, { side, channels, source }) => {
  const own = source && { width: source[0], height: source[1] };
  expect(sizeText({ width: side, height: side, channels }, own)).toBe(text);
});
