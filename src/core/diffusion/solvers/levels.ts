import { UserError } from '../../base/errors';
import type { Level } from '../schedule';
import { levelOfSigma, sigmaAt } from '../schedule';
import type { SolverOptions } from './solver';
import { checkOptions } from './solver';

/** A noise level on the way: σ = noise / signal. */
export interface SigmaLevel extends Level {
  readonly sigma: number;
}

/** A prediction of x0 and the level at which it was made. */
export interface Seen {
  readonly x0: Float32Array;
  readonly level: SigmaLevel;
}

const CLEAN: SigmaLevel = { sigma: 0, signal: 1, noise: 0 };

/**
 * The noise levels between which the solvers on levels go: one for each timestep, and the clean image.
 *
 * @throws UserError naming the option that is out of range
 */
export function levelsOf(options: SolverOptions): SigmaLevel[] {
  checkOptions(options, false);
  const { schedule, timesteps } = options;
  const sigmas = options.sigmas ?? timesteps.map((t) => sigmaAt(schedule, t));
  const fits = sigmas.every((sigma, i) => sigma > 0 && sigma < (sigmas[i - 1] ?? Infinity));
  if (sigmas.length !== timesteps.length || !fits) {
    throw new UserError(
      'The noise levels to sample at are wrong: give one above 0 for each timestep, descending.',
    );
  }
  return [...sigmas.map((sigma) => ({ sigma, ...levelOfSigma(sigma) })), CLEAN];
}

/** Half the logarithm of the signal-to-noise ratio, λ (Lu et al., 2022, section 2.2); ∞ when clean. */
export function lambdaOf({ sigma }: SigmaLevel): number {
  return -Math.log(sigma);
}
