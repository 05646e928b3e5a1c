import { UserError } from '../../base/errors';
import type { Clip, Predict, PredictionKind, Threshold } from '../prediction';
import { clipX0, predictionAt, thresholdX0 } from '../prediction';
import type { Level, NoiseSchedule } from '../schedule';

/** How DDPM's reverse variance is chosen (Ho et al., 2020, section 3.2). */
export const VARIANCES = ['fixed_small', 'fixed_large'] as const;

export type Variance = (typeof VARIANCES)[number];

/** UniPC's B(h) (Zhao et al., 2023, section 3.2): bh1 is h, bh2 is e^h − 1. */
export const BHS = ['bh1', 'bh2'] as const;

export type Bh = (typeof BHS)[number];

/** Orders of the multistep solvers. */
export const ORDERS = [1, 2, 3] as const;

export type Order = (typeof ORDERS)[number];

/** All that a solver is told. Settings that a solver has no use for are ignored by it. */
export interface SolverOptions {
  readonly schedule: NoiseSchedule;
  /**
   * The timesteps to visit, strictly descending, each in 0 … T−1. Whole numbers, but for the solvers on
   * noise levels, and with `sigmas` they need not differ.
   */
  readonly timesteps: readonly number[];
  /**
   * The solvers on noise levels: σ at each of the timesteps, strictly descending, above 0. Left out: the
   * schedule's own.
   */
  readonly sigmas?: readonly number[];
  /** Clips the predicted x0 in every step. */
  readonly clip: Clip;
  /** Thresholds the predicted x0 in every step, in place of `clip`. */
  readonly threshold?: Threshold;
  /** Numbers in one image, which `threshold` goes by. Default: all are one image. */
  readonly sampleSize?: number;
  /** Fills `out` with the N(0, 1) noise of a step (1 … N), and returns it. */
  readonly noise: (step: number, out: Float32Array) => Float32Array;
  /** DDIM: 0 is deterministic, 1 as noisy as DDPM. In 0 … 1; default 0. */
  readonly eta?: number;
  /** DDPM: default `fixed_small`. */
  readonly variance?: Variance;
  /**
   * DDIM and PNDM: the last step goes to ᾱ = 1, that is for DDIM to the predicted x0; false: to ᾱ_0.
   * `diffusers`' set_alpha_to_one, with its defaults: true for DDIM, false for PNDM.
   */
  readonly alphaToOne?: boolean;
  /**
   * DDIM: derive eps anew from the clipped x0. Default false, as in `diffusers`
   * (use_clipped_model_output), where the direction keeps the eps that the model meant.
   */
  readonly rederiveEps?: boolean;
  /** DPM-Solver++ and UniPC: how many predictions a step goes by. Default 2. */
  readonly order?: Order;
  /** UniPC: default `bh2`. */
  readonly bh?: Bh;
  /** PNDM: start without the Runge-Kutta steps; `diffusers`' skip_prk_steps. Default false. */
  readonly skipPrk?: boolean;
  /** PNDM: what the model predicts, in which its outputs are combined. Default eps. */
  readonly prediction?: PredictionKind;
  readonly signal?: AbortSignal;
}

/** What one step gives. The arrays are fresh in every step and never written again. */
export interface SolverStep {
  /** 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The timestep at which the model was asked; the first where a step asks more than once. */
  readonly t: number;
  /** The state after this step, [N, C, H, W]; after the last step, the samples. */
  readonly xt: Float32Array;
  /** The clean image as predicted at t, clipped or thresholded, [N, C, H, W]. */
  readonly x0: Float32Array;
  /** The noise that goes with it in the state before this step, [N, C, H, W]. */
  readonly eps: Float32Array;
}

/**
 * A sampler of the reverse process, from x_T = N(0, 1) noise to images, a step at a time.
 * `xT` is left as it is. Throws StoppedError once `signal` is aborted, and UserError for options
 * out of range, both from the first `next()` on.
 */
export type Solver = (
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
) => AsyncGenerator<SolverStep, void, undefined>;

/**
 * @param isWhole whether the solver goes by whole timesteps alone
 * @throws UserError naming the option that is out of range
 */
export function checkOptions(options: SolverOptions, isWhole = true): void {
  const { timesteps, clip, threshold, eta = 0, variance, order = 2, bh } = options;
  if (timesteps.length === 0) {
    throw new UserError('No timestep to sample at: give at least 1 step.');
  }
  checkTimesteps(options, isWhole);
  if (!(eta >= 0 && eta <= 1)) throw new UserError(`eta is ${eta}: give a number from 0 to 1.`);
  if (typeof clip === 'number' && !(clip > 0)) {
    throw new UserError(`The clip range is ${clip}: give a number above 0, such as 1.`);
  }
  if (threshold) checkThreshold(threshold);
  checkChoice('variance', variance ?? VARIANCES[0], VARIANCES);
  checkChoice('order', order, ORDERS);
  checkChoice('bh', bh ?? BHS[0], BHS);
}

function checkTimesteps({ schedule, timesteps, sigmas }: SolverOptions, isWhole: boolean): void {
  const last = schedule.timesteps - 1;
  timesteps.forEach((t, i) => {
    const before = timesteps[i - 1] ?? Infinity;
    const isBelow = sigmas ? t <= before : t < before;
    if (t >= 0 && t <= last && isBelow && (!isWhole || Number.isInteger(t))) return;
    throw new UserError(
      `Timestep ${t} at place ${i} of the list is wrong: give ${isWhole ? 'whole ' : ''}numbers that ` +
        `descend within 0 … ${last}.`,
    );
  });
}

function checkThreshold({ ratio, max }: Threshold): void {
  if (!(ratio > 0 && ratio <= 1)) {
    throw new UserError(
      `The threshold is ${ratio}: give a share of the pixels above 0 and up to 1, such as 0.995.`,
    );
  }
  if (max !== null && !(max >= 1)) {
    throw new UserError(`The largest threshold is ${max}: give a number of 1 or more.`);
  }
}

function checkChoice<T>(what: string, value: T, choices: readonly T[]): void {
  if (choices.includes(value)) return;
  throw new UserError(
    `There is no ${what} '${String(value)}': choose one of ${choices.join(', ')}.`,
  );
}

/** The predicted x0 within the limits of the options. */
export function limitX0(
  x0: Float32Array,
  { clip, threshold, sampleSize }: SolverOptions,
): Float32Array {
  return threshold ? thresholdX0(x0, threshold, sampleSize) : clipX0(x0, clip);
}

/** What was seen before a step, and where it led. */
interface Taken {
  /** From 0. */
  readonly i: number;
  readonly level: Level;
  readonly before: Float32Array;
  readonly x0: Float32Array;
  readonly xt: Float32Array;
}

/** The step as a solver yields it. */
export function stepOf(
  { timesteps }: SolverOptions,
  { i, level, before, x0, xt }: Taken,
): SolverStep {
  const { eps } = predictionAt('x0', level, x0, before);
  return { step: i + 1, steps: timesteps.length, t: timesteps[i]!, xt, x0, eps };
}
