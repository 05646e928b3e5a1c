import { throwIfStopped } from '../../base/errors';
import { mix } from '../forward';
import type { Predict } from '../prediction';
import type { NoiseSchedule } from '../schedule';
import { alphaBarAt, levelAt } from '../schedule';
import type { SolverOptions, SolverStep, Variance } from './solver';
import { checkOptions, limitX0, stepOf } from './solver';

/** The Gaussian q(x_prev | x_t, x_0): mean = x0·meanX0 + x_t·meanXt. */
export interface Posterior {
  readonly meanX0: number;
  readonly meanXt: number;
  readonly variance: number;
}

/** `diffusers` keeps its variances above this. */
const LEAST_VARIANCE = 1e-20;

/**
 * The posterior of the step from t to an earlier timestep (−1: the clean image), with
 * β = 1 − ᾱ_t/ᾱ_prev (Ho et al., 2020, equations 6 and 7).
 *
 * - fixed_small: (1 − ᾱ_prev)/(1 − ᾱ_t)·β, right for a data set of one point
 * - fixed_large: β, right for white data
 */
export function posterior(
  schedule: NoiseSchedule,
  t: number,
  previous: number,
  variance: Variance = 'fixed_small',
): Posterior {
  const alphaBar = alphaBarAt(schedule, t);
  const alphaBarPrevious = previous < 0 ? 1 : alphaBarAt(schedule, previous);
  const alpha = alphaBar / alphaBarPrevious;
  const beta = 1 - alpha;
  const rest = (1 - alphaBarPrevious) / (1 - alphaBar);
  return {
    meanX0: (Math.sqrt(alphaBarPrevious) * beta) / (1 - alphaBar),
    meanXt: Math.sqrt(alpha) * rest,
    variance: variance === 'fixed_large' ? beta : Math.max(rest * beta, LEAST_VARIANCE),
  };
}

/**
 * Ancestral sampling (Ho et al., 2020, Algorithm 2), over all timesteps or a spaced list. Noise is
 * added in every step but one at t = 0, as in `diffusers`' DDPMScheduler; so with fixed_large the
 * last step of a list that ends above 0 (trailing, or leading with an offset) leaves noise of
 * variance 1 − ᾱ_t in the samples.
 */
export async function* ddpm(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  checkOptions(options);
  const { schedule, timesteps, noise, variance, signal } = options;
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    throwIfStopped(signal);
    const before = xt;
    const x0 = limitX0((await predict(before, t)).x0, options);
    const q = posterior(schedule, t, timesteps[i + 1] ?? -1, variance);
    xt = mix(q.meanX0, x0, q.meanXt, before);
    if (t > 0) mix(1, xt, Math.sqrt(q.variance), noise(i + 1, new Float32Array(xt.length)), xt);
    yield stepOf(options, { i, level: levelAt(schedule, t), before, x0, xt });
  }
}
