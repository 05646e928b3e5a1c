import type { PixelBatch } from '../../src/engine/protocol';
import { fixed } from './numbers';

/** How near two pictures of one size are to each other. */
export interface Closeness {
  /** Peak signal-to-noise ratio in decibels; Infinity where they are the same. */
  readonly psnr: number;
  /** Mean difference of a value, of 255. */
  readonly meanDifference: number;
}

export function closenessOf(a: PixelBatch, b: PixelBatch): Closeness {
  let squares = 0;
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = a.data[i]! - b.data[i]!;
    squares += difference * difference;
    sum += Math.abs(difference);
  }
  const psnr = 10 * Math.log10((255 * 255 * a.data.length) / squares);
  return { psnr, meanDifference: sum / a.data.length };
}

export function closenessText({ psnr, meanDifference }: Closeness): string {
  if (psnr === Infinity) return 'the original, pixel for pixel';
  return `an image ${fixed(meanDifference, 1)} of 255 off the original on average, PSNR ${fixed(psnr, 1)} dB`;
}
