import { addNoise } from '../../src/core/diffusion/forward';
import { initialNoise } from '../../src/core/diffusion/noise';
import type { NoiseSchedule } from '../../src/core/diffusion/schedule';
import { toByte } from '../../src/core/base/pixels';
import type { PixelBatch } from '../../src/engine/protocol';

/** Mean and standard deviation of an image's numbers. */
export interface Moments {
  readonly mean: number;
  readonly std: number;
}

/** An image in [−1, 1] as the core has it: [C, H, W]. */
export interface CleanImage {
  readonly data: Float32Array;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/** The first image of a batch as the core has it. */
export function cleanImage({ data, height, width, channels }: PixelBatch): CleanImage {
  const plane = height * width;
  const out = new Float32Array(channels * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) out[c * plane + i] = data[i * channels + c]! / 127.5 - 1;
  }
  return { data: out, channels: channels === 1 ? 1 : 3, height, width };
}

/** Pixels for an image's numbers, to be filled by {@link toPixels}. */
export function emptyPixels({ channels, height, width }: CleanImage, count = 1): PixelBatch {
  const data = new Uint8Array(count * channels * height * width);
  return { data, count, height, width, channels };
}

/** Fills picture `index` of a batch with [C, H, W] numbers; what lies outside [−1, 1] is clipped. */
export function toPixels(data: Float32Array, out: PixelBatch, index = 0): PixelBatch {
  const { channels, height, width } = out;
  const plane = height * width;
  let to = index * plane * channels;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) out.data[to++] = toByte(data[c * plane + i]!);
  }
  return out;
}

/** The ε of an image: that of the command line's `noise` with the same seed. */
export function noiseOf({ data }: CleanImage, seed: number): Float32Array {
  const batch = { seed, firstSample: 0, sampleSize: data.length };
  return initialNoise(batch, new Float32Array(data.length));
}

/** x_t of the closed form. */
export function closedForm(
  schedule: NoiseSchedule,
  image: CleanImage,
  eps: Float32Array,
  t: number,
  out?: Float32Array,
): Float32Array {
  return addNoise(schedule, image.data, eps, t, out);
}

export function momentsOf(data: Float32Array): Moments {
  let sum = 0;
  let squares = 0;
  for (const value of data) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / data.length;
  return { mean, std: Math.sqrt(Math.max(0, squares / data.length - mean * mean)) };
}

/** What x_t of an image is expected to have: √ᾱ·mean and √(ᾱ·variance + 1 − ᾱ). */
export function expectedMoments(schedule: NoiseSchedule, clean: Moments, t: number): Moments {
  const alphaBar = schedule.alphaBars[t]!;
  return {
    mean: Math.sqrt(alphaBar) * clean.mean,
    std: Math.sqrt(alphaBar * clean.std ** 2 + 1 - alphaBar),
  };
}

/** Up to `count` timesteps, evenly spaced from the first to the last. */
export function evenTimesteps(total: number, count: number): number[] {
  const stages = Math.min(count, total);
  return Array.from({ length: stages }, (_, i) => Math.round((i * (total - 1)) / (stages - 1)));
}
