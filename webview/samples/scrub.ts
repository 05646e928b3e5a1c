import { toByte } from '../../src/core/base/pixels';
import { initialNoise } from '../../src/core/diffusion/noise';
import type { PixelBatch } from '../../src/engine/protocol';

/**
 * The place of a row of `own` steps while the longest row of `longest` steps stands at `position`;
 * both count the noise before the first step as 0. Rows move together by their share of the way.
 */
export function placeInRow(position: number, longest: number, own: number): number {
  return longest === 0 ? own : Math.round((position / longest) * own);
}

/** Up to `most` places of 1 … `count`, evenly spread, the first and the last among them. */
export function filmstripPlaces(count: number, most: number): number[] {
  const shown = Math.min(count, most);
  if (shown < 2) return shown === 1 ? [count] : [];
  return Array.from({ length: shown }, (_, i) => 1 + Math.round((i * (count - 1)) / (shown - 1)));
}

/**
 * The noise that a sampling starts from, as pixels: what the engine draws for the same seed.
 *
 * @param isShared whether all pictures start from that of the first
 */
export function noisePixels(seed: number, like: PixelBatch, isShared = false): PixelBatch {
  const { count, height, width, channels } = like;
  const plane = height * width;
  const size = channels * plane;
  const noise = initialNoise(
    { seed, firstSample: 0, sampleSize: size, isShared },
    new Float32Array(count * size),
  );
  const data = new Uint8Array(count * size);
  for (let n = 0, to = 0; n < count; n++) {
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < channels; c++) data[to++] = toByte(noise[n * size + c * plane + i]!);
    }
  }
  return { data, count, height, width, channels };
}

/** One picture of a batch, as a view on it. */
export function pictureOf(batch: PixelBatch, index: number): PixelBatch {
  const size = batch.height * batch.width * batch.channels;
  return { ...batch, data: batch.data.subarray(index * size, (index + 1) * size), count: 1 };
}

/** How long is left, in seconds; null while it cannot be known. */
export class Eta {
  private from: { readonly progress: number; readonly at: number } | null = null;

  /** @param progress 0 … 1; @param now seconds */
  left(progress: number, now: number): number | null {
    if (!this.from || progress < this.from.progress) this.from = { progress, at: now };
    const { from } = this;
    if (progress <= from.progress) return null;
    return ((now - from.at) / (progress - from.progress)) * (1 - progress);
  }
}
