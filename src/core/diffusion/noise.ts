import { normals, Stream } from '../base/random';

/**
 * Which samples a batch holds. The noise of a sample depends on the seed, on its number and on the
 * step alone, so it is the same however the samples are grouped into batches.
 */
export interface NoiseBatch {
  readonly seed: number;
  /** Number of the batch's first sample, counted from 0 over the whole request. */
  readonly firstSample: number;
  /** Numbers in one sample, C·H·W. */
  readonly sampleSize: number;
  /** Gives all samples the noise of the first, so that only what they were asked for tells them apart. */
  readonly isShared?: boolean;
}

/** Draws of one sample: its steps are numbered below this. */
const STEPS_PER_SAMPLE = 2 ** 20;

/** Fills `out`, [N, C, H, W], with the N(0, 1) noise from which the samples start, x_T. */
export function initialNoise(batch: NoiseBatch, out: Float32Array): Float32Array {
  return fill(batch, Stream.initialNoise, 0, out);
}

/** Fills `out`, [N, C, H, W], with the N(0, 1) noise that a stochastic solver adds in step 1 … N. */
export function solverNoise(batch: NoiseBatch, step: number, out: Float32Array): Float32Array {
  return fill(batch, Stream.solverNoise, step, out);
}

function fill(batch: NoiseBatch, stream: number, step: number, out: Float32Array): Float32Array {
  const { seed, firstSample, sampleSize, isShared = false } = batch;
  if (out.length % sampleSize !== 0) {
    throw new RangeError(`${out.length} numbers are not whole samples of ${sampleSize}.`);
  }
  if (step < 0 || step >= STEPS_PER_SAMPLE) throw new RangeError(`Step ${step} is out of range.`);
  for (let i = 0; i * sampleSize < out.length; i++) {
    const sample = isShared ? firstSample : firstSample + i;
    const index = sample * STEPS_PER_SAMPLE + step;
    normals({ seed, stream, index }, out.subarray(i * sampleSize, (i + 1) * sampleSize));
  }
  return out;
}
