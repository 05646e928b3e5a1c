import { throwIfStopped } from '../../base/errors';
import { weightedSum } from '../forward';
import type { Predict } from '../prediction';
import { levelsOf } from './levels';
import type { SolverOptions, SolverStep } from './solver';
import { limitX0, stepOf } from './solver';

/**
 * Heun's method on the probability flow (Karras et al., 2022, Algorithm 1): a step of Euler's, and then
 * the step again with the mean of the slopes at both ends. The last step, to σ = 0, is Euler's; so N steps
 * ask the model 2N − 1 times. `diffusers`' HeunDiscreteScheduler.
 */
export async function* heun(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  const levels = levelsOf(options);
  const { timesteps, signal } = options;
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    throwIfStopped(signal);
    const [from, to] = [levels[i]!, levels[i + 1]!];
    const before = xt;
    const x0 = limitX0((await predict(before, t, from)).x0, options);
    const kept = to.sigma / from.sigma;
    xt = weightedSum([(to.signal / from.signal) * kept, before], [to.signal * (1 - kept), x0]);
    const next = timesteps[i + 1];
    if (next !== undefined) {
      throwIfStopped(signal);
      const corrected = limitX0((await predict(xt, next, to)).x0, options);
      // x + (σ' − σ)/2 · ((x − x0)/σ + (x' − x0')/σ'), and all of it times the next level's signal.
      const half = (to.sigma - from.sigma) / 2;
      xt = weightedSum(
        [(to.signal / from.signal) * (1 + half / from.sigma), before],
        [(-to.signal * half) / from.sigma, x0],
        [half / to.sigma, xt],
        [(-to.signal * half) / to.sigma, corrected],
      );
    }
    yield stepOf(options, { i, level: from, before, x0, xt });
  }
}
