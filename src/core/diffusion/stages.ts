import type { ImageBatch } from '../base/picture';
import { addNoise } from './forward';
import { initialNoise } from './noise';
import { alphaBarAt, snrDb, type NoiseSchedule } from './schedule';

/** What the forward process has made of an image at a timestep. */
export interface NoiseStage {
  readonly t: number;
  readonly sqrtAlphaBar: number;
  readonly sqrtOneMinusAlphaBar: number;
  /** −Infinity where nothing of the image is left. */
  readonly snrDb: number;
}

/** The numbers of a timestep, 0 … T−1. */
export function stageAt(schedule: NoiseSchedule, t: number): NoiseStage {
  const alphaBar = alphaBarAt(schedule, t);
  return {
    t,
    sqrtAlphaBar: Math.sqrt(alphaBar),
    sqrtOneMinusAlphaBar: Math.sqrt(1 - alphaBar),
    snrDb: snrDb(schedule, t),
  };
}

/** One image (a batch of one) noised to each of the timesteps, with one ε for all. */
export function noisedStages(
  { data, shape }: ImageBatch,
  schedule: NoiseSchedule,
  at: readonly number[],
  seed: number,
): ImageBatch {
  const size = data.length;
  const eps = initialNoise({ seed, firstSample: 0, sampleSize: size }, new Float32Array(size));
  const strip = new Float32Array(at.length * size);
  at.forEach((t, i) => addNoise(schedule, data, eps, t, strip.subarray(i * size, (i + 1) * size)));
  return { data: strip, shape: [at.length, shape[1], shape[2], shape[3]] };
}
