import { StoppedError, UserError } from '../../base/errors';
import type { Clip, Predict } from '../prediction';
import type { NoiseSchedule } from '../schedule';

/** How DDPM's reverse variance is chosen (Ho et al., 2020, section 3.2). */
export const VARIANCES = ['fixed_small', 'fixed_large'] as const;

export type Variance = (typeof VARIANCES)[number];

/** All that a solver is told. Settings that a solver has no use for are ignored by it. */
export interface SolverOptions {
  readonly schedule: NoiseSchedule;
  /** The timesteps to visit, strictly descending, each in 0 … T−1. */
  readonly timesteps: readonly number[];
  /** Clips the predicted x0 in every step. */
  readonly clip: Clip;
  /** Fills `out` with the N(0, 1) noise of a step (1 … N), and returns it. */
  readonly noise: (step: number, out: Float32Array) => Float32Array;
  /** DDIM: 0 is deterministic, 1 as noisy as DDPM. In 0 … 1; default 0. */
  readonly eta?: number;
  /** DDPM: default `fixed_small`. */
  readonly variance?: Variance;
  /**
   * DDIM: the last step goes to ᾱ = 1, that is to the predicted x0; false: to ᾱ_0.
   * Default true, `diffusers`' set_alpha_to_one.
   */
  readonly alphaToOne?: boolean;
  /**
   * DDIM: derive eps anew from the clipped x0. Default false, as in `diffusers`
   * (use_clipped_model_output), where the direction keeps the eps that the model meant.
   */
  readonly rederiveEps?: boolean;
  readonly signal?: AbortSignal;
}

/** What one step gives. The arrays are fresh in every step and never written again. */
export interface SolverStep {
  /** 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The timestep at which the model was asked. */
  readonly t: number;
  /** The state after this step, [N, C, H, W]; after the last step, the samples. */
  readonly xt: Float32Array;
  /** The clean image as predicted in this step, clipped, [N, C, H, W]. */
  readonly x0: Float32Array;
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

/** @throws UserError naming the option that is out of range. */
export function checkOptions({
  schedule,
  timesteps,
  clip,
  eta = 0,
  variance,
}: SolverOptions): void {
  if (timesteps.length === 0)
    throw new UserError('No timestep to sample at: give at least 1 step.');
  timesteps.forEach((t, i) => {
    const below = i === 0 ? schedule.timesteps : timesteps[i - 1]!;
    if (!Number.isInteger(t) || t < 0 || t >= below) {
      throw new UserError(
        `Timestep ${t} at place ${i} of the list is wrong: give whole numbers that descend within ` +
          `0 … ${schedule.timesteps - 1}.`,
      );
    }
  });
  if (!(eta >= 0 && eta <= 1)) throw new UserError(`eta is ${eta}: give a number from 0 to 1.`);
  if (typeof clip === 'number' && !(clip > 0)) {
    throw new UserError(`The clip range is ${clip}: give a number above 0, such as 1.`);
  }
  if (variance !== undefined && !VARIANCES.includes(variance)) {
    throw new UserError(
      `There is no variance '${String(variance)}': choose one of ${VARIANCES.join(', ')}.`,
    );
  }
}

/** @throws StoppedError when the signal is aborted. */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoppedError('Sampling was stopped.');
}
