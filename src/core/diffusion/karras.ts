import { UserError } from '../base/errors';
import type { NoiseSchedule } from './schedule';
import { sigmaAt } from './schedule';

/** ρ of Karras et al., 2022, table 1. */
const RHO = 7;

/**
 * Noise levels from the largest to the least, evenly spaced in σ^(1/7) (Karras et al., 2022, equation 5);
 * the largest alone where there is one step.
 */
export function karrasSigmas(largest: number, least: number, steps: number): number[] {
  const [from, to] = [largest ** (1 / RHO), least ** (1 / RHO)];
  return Array.from({ length: steps }, (_, i) => {
    if (i === 0) return largest;
    return (from + (i / (steps - 1)) * (to - from)) ** RHO;
  });
}

/**
 * The timestep whose noise level is σ, between two timesteps by ln σ; the first or last where σ is beyond
 * them.
 *
 * @throws UserError for σ that is not above 0
 */
export function timestepOfSigma(schedule: NoiseSchedule, sigma: number): number {
  if (!(sigma > 0)) throw new UserError(`The noise level is ${sigma}: give a number above 0.`);
  let low = 0;
  let high = schedule.timesteps - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sigmaAt(schedule, middle) <= sigma) low = middle;
    else high = middle;
  }
  const below = Math.log(sigmaAt(schedule, low));
  const above = Math.log(sigmaAt(schedule, high));
  return low + Math.min(1, Math.max(0, (Math.log(sigma) - below) / (above - below)));
}
