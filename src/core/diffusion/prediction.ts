import { UserError } from '../base/errors';
import { mix } from './forward';
import type { Level, NoiseSchedule } from './schedule';
import { alphaBarAt, levelAt } from './schedule';

/** What the network is trained to predict. */
export const PREDICTION_KINDS = ['eps', 'v', 'x0'] as const;

export type PredictionKind = (typeof PREDICTION_KINDS)[number];

/** What `diffusers` calls each in `prediction_type` of a scheduler_config.json. */
export const DIFFUSERS_PREDICTION_TYPE: Readonly<Record<PredictionKind, string>> = {
  eps: 'epsilon',
  v: 'v_prediction',
  x0: 'sample',
};

/** The network as it is: state x_t and timestep in, raw output of the same length out. */
export type Model = (xt: Float32Array, t: number) => Promise<Float32Array>;

/** The clean image and the noise that a model output stands for: x_t = √ᾱ·x0 + √(1−ᾱ)·eps. */
export interface Prediction {
  readonly x0: Float32Array;
  readonly eps: Float32Array;
}

/**
 * The network as the solvers see it, whatever it was trained to predict: asked at timestep t, which need
 * not be whole, about a state of a level (left out: the schedule's at t).
 */
export type Predict = (xt: Float32Array, t: number, level?: Level) => Promise<Prediction>;

/** A linear combination of x0 and eps (or of x_t and the model output). */
interface Weights {
  readonly x0: number;
  readonly eps: number;
}

/**
 * The training target as weights of the clean image and the noise: target = x0·w.x0 + eps·w.eps.
 * eps: ε. x0: x_0. v: √ᾱ_t·ε − √(1−ᾱ_t)·x_0 (Salimans & Ho, 2022, section 4 and appendix D).
 */
export function targetWeights(kind: PredictionKind, schedule: NoiseSchedule, t: number): Weights {
  return weightsAt(kind, levelAt(schedule, t));
}

/** {@link targetWeights} at a level. */
export function weightsAt(kind: PredictionKind, { signal, noise }: Level): Weights {
  switch (kind) {
    case 'eps':
      return { x0: 0, eps: 1 };
    case 'x0':
      return { x0: 1, eps: 0 };
    case 'v':
      return { x0: -noise, eps: signal };
  }
}

/**
 * The clean image as weights of x_t and the model output: x0 = x_t·w.xt + output·w.output, with a = √ᾱ (the
 * signal) and s = √(1−ᾱ) (the noise). eps: (x_t − s·output) / a. v: a·x_t − s·output. x0: the output.
 */
export function x0Weights(
  kind: PredictionKind,
  { signal: a, noise: s }: Level,
): { readonly xt: number; readonly output: number } {
  switch (kind) {
    case 'eps':
      return { xt: 1 / a, output: -s / a };
    case 'v':
      return { xt: a, output: -s };
    case 'x0':
      return { xt: 0, output: 1 };
  }
}

/** The training target at one timestep, elementwise; all arrays have one length. */
export function trainingTarget(
  kind: PredictionKind,
  schedule: NoiseSchedule,
  x0: Float32Array,
  eps: Float32Array,
  t: number,
  out: Float32Array = new Float32Array(x0.length),
): Float32Array {
  const weights = targetWeights(kind, schedule, t);
  return mix(weights.x0, x0, weights.eps, eps, out);
}

/**
 * What a raw model output says of x_t: {@link predictionAt} the level of timestep t.
 *
 * @throws UserError for eps where ᾱ_t = 0: noise alone does not determine the image.
 */
export function toPrediction(
  kind: PredictionKind,
  schedule: NoiseSchedule,
  output: Float32Array,
  xt: Float32Array,
  t: number,
): Prediction {
  const level = levelAt(schedule, t);
  if (kind === 'eps' && level.signal === 0) throw new UserError(epsAtZeroSnr(t));
  return predictionAt(kind, level, output, xt);
}

/**
 * The one place where a raw model output becomes x0 and eps, with a = √ᾱ (the signal) and s = √(1−ᾱ)
 * (the noise). Neither is clipped, and both are fresh arrays.
 *
 * - eps: {@link x0Weights}, where a > 0
 * - v: {@link x0Weights}, eps = a·output + s·x_t
 * - x0: eps = (x_t − a·output) / s
 */
export function predictionAt(
  kind: PredictionKind,
  level: Level,
  output: Float32Array,
  xt: Float32Array,
): Prediction {
  const { signal: a, noise: s } = level;
  const weights = x0Weights(kind, level);
  const x0 = () => mix(weights.xt, xt, weights.output, output);
  switch (kind) {
    case 'eps':
      return { x0: x0(), eps: output.slice() };
    case 'v':
      return { x0: x0(), eps: mix(s, xt, a, output) };
    case 'x0':
      return { x0: output.slice(), eps: mix(1 / s, xt, -a / s, output) };
  }
}

/** Adapts a model of any kind to what the solvers take. */
export function makePredict(kind: PredictionKind, schedule: NoiseSchedule, model: Model): Predict {
  return async (xt, t, level) => {
    const output = await model(xt, t);
    return level
      ? predictionAt(kind, level, output, xt)
      : toPrediction(kind, schedule, output, xt, t);
  };
}

/** true: clip x0 to [−1, 1]; a number r: to [−r, r]; false: leave it. */
export type Clip = boolean | number;

/**
 * Dynamic thresholding (Saharia et al., 2022, Imagen, section 2.3): each image of x0 is clipped to ±s and
 * divided by s, where s is the quantile `ratio` of its absolute values, at least 1.
 */
export interface Threshold {
  /** Above 0 and at most 1; the paper's p. */
  readonly ratio: number;
  /** The largest s, at least 1; null: no limit. */
  readonly max: number | null;
}

/** x0, whose images have `sampleSize` numbers each, dynamically thresholded; in a fresh array. */
export function thresholdX0(
  x0: Float32Array,
  { ratio, max }: Threshold,
  sampleSize: number = x0.length,
): Float32Array {
  const out = new Float32Array(x0.length);
  for (let from = 0; from < x0.length; from += sampleSize) {
    const image = x0.subarray(from, from + sampleSize);
    const s = Math.min(Math.max(quantile(image.map(Math.abs).sort(), ratio), 1), max ?? Infinity);
    for (let i = 0; i < image.length; i++) {
      out[from + i] = Math.min(s, Math.max(-s, image[i]!)) / s;
    }
  }
  return out;
}

/** Linear between the two nearest of sorted values, as `torch.quantile`. */
function quantile(sorted: Float32Array, ratio: number): number {
  const place = ratio * (sorted.length - 1);
  const below = Math.floor(place);
  const low = sorted[below]!;
  return low + (place - below) * ((sorted[below + 1] ?? low) - low);
}

/** x0 within the clip's range, in a fresh array; x0 itself when there is none. */
export function clipX0(x0: Float32Array, clip: Clip): Float32Array {
  if (clip === false) return x0;
  const range = clip === true ? 1 : clip;
  return x0.map((value) => Math.min(range, Math.max(-range, value)));
}

/** The eps that goes with a (clipped) x0 at timestep t: (x_t − √ᾱ·x0) / √(1−ᾱ). */
export function epsFromX0(
  schedule: NoiseSchedule,
  x0: Float32Array,
  xt: Float32Array,
  t: number,
): Float32Array {
  return toPrediction('x0', schedule, x0, xt, t).eps;
}

/**
 * Refuses a schedule on which this kind of model cannot be sampled from the last timestep.
 * @throws UserError for eps on a schedule with zero terminal SNR.
 */
export function checkPrediction(kind: PredictionKind, schedule: NoiseSchedule): void {
  const last = schedule.timesteps - 1;
  if (kind === 'eps' && alphaBarAt(schedule, last) === 0) throw new UserError(epsAtZeroSnr(last));
}

function epsAtZeroSnr(t: number): string {
  return (
    `At timestep ${t} the schedule has zero SNR, where a prediction of eps says nothing about the ` +
    'image: choose prediction v or x0, or a schedule without zero terminal SNR.'
  );
}
