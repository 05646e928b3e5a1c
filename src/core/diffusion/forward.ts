import type { NoiseSchedule } from './schedule';
import { alphaBarAt } from './schedule';

/**
 * x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε, from the clean image in one go (Ho et al., 2020, equation 4).
 * All arrays have one length; `out` may be one of the inputs.
 */
export function addNoise(
  schedule: NoiseSchedule,
  x0: Float32Array,
  eps: Float32Array,
  t: number,
  out: Float32Array = new Float32Array(x0.length),
): Float32Array {
  const alphaBar = alphaBarAt(schedule, t);
  return mix(Math.sqrt(alphaBar), x0, Math.sqrt(1 - alphaBar), eps, out);
}

/**
 * {@link addNoise} for a batch: sample i of x0 and eps, both [N, …] row-major, is noised to
 * timesteps[i].
 */
export function addNoiseBatch(
  schedule: NoiseSchedule,
  x0: Float32Array,
  eps: Float32Array,
  timesteps: ArrayLike<number>,
  out: Float32Array = new Float32Array(x0.length),
): Float32Array {
  const size = x0.length / timesteps.length;
  if (!Number.isInteger(size)) {
    throw new RangeError(`${x0.length} numbers are not ${timesteps.length} samples of one size.`);
  }
  for (let i = 0; i < timesteps.length; i++) {
    const part = (x: Float32Array) => x.subarray(i * size, (i + 1) * size);
    addNoise(schedule, part(x0), part(eps), timesteps[i]!, part(out));
  }
  return out;
}

/**
 * One step of the Markov chain, x_t = √(1 − β_t) · x_{t−1} + √β_t · ε (Ho et al., 2020,
 * equation 2). Step t = 0 takes the clean image to x_0's first noised level.
 */
export function markovStep(
  schedule: NoiseSchedule,
  previous: Float32Array,
  eps: Float32Array,
  t: number,
  out: Float32Array = new Float32Array(previous.length),
): Float32Array {
  const beta = schedule.betas[t];
  if (beta === undefined) {
    throw new RangeError(`Timestep ${t} is not in 0 … ${schedule.timesteps - 1}.`);
  }
  return mix(Math.sqrt(1 - beta), previous, Math.sqrt(beta), eps, out);
}

/** out = a·x + b·y, elementwise, computed in float64. */
export function mix(
  a: number,
  x: Float32Array,
  b: number,
  y: Float32Array,
  out: Float32Array = new Float32Array(x.length),
): Float32Array {
  if (x.length !== y.length || x.length !== out.length) {
    throw new RangeError(`Lengths differ: ${x.length}, ${y.length}, ${out.length}.`);
  }
  for (let i = 0; i < out.length; i++) out[i] = a * x[i]! + b * y[i]!;
  return out;
}

/** Σ weight·array, elementwise, computed in float64; at least one term, all of one length. */
export function weightedSum(
  ...terms: readonly (readonly [weight: number, x: Float32Array])[]
): Float32Array {
  const out = new Float32Array(terms[0]![1].length);
  for (const [, x] of terms) {
    if (x.length !== out.length)
      throw new RangeError(`Lengths differ: ${x.length}, ${out.length}.`);
  }
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const [weight, x] of terms) sum += weight * x[i]!;
    out[i] = sum;
  }
  return out;
}
