import { throwIfStopped } from '../../base/errors';
import { weightedSum } from '../forward';
import type { Predict } from '../prediction';
import { levelsOf, type SigmaLevel } from './levels';
import type { SolverOptions, SolverStep } from './solver';
import { limitX0, stepOf } from './solver';

/**
 * Euler's method on the probability flow dx/dσ = (x − x0)/σ (Karras et al., 2022, equation 4 and
 * Algorithm 1 without its second half): x_next = x + (σ_next − σ)·(x − x0)/σ, in x = x_t / √ᾱ_t.
 * `diffusers`' EulerDiscreteScheduler without churn.
 */
export async function* euler(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  yield* walk(predict, xT, options, (_, to) => ({ down: to.sigma, up: 0 }));
}

/**
 * Euler's method to below the next level, and fresh noise up to it; `diffusers`'
 * EulerAncestralDiscreteScheduler (k-diffusion's euler_ancestral):
 * σ_up² = σ_next²·(σ² − σ_next²)/σ², σ_down² = σ_next² − σ_up².
 */
export async function* eulerAncestral(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  yield* walk(predict, xT, options, (from, to) => {
    const up = to.sigma * Math.sqrt(1 - (to.sigma / from.sigma) ** 2);
    return { down: Math.sqrt(Math.max(to.sigma ** 2 - up ** 2, 0)), up };
  });
}

/** Where a step leads: σ that Euler's method goes to, and σ of the noise that is added. */
interface Aim {
  readonly down: number;
  readonly up: number;
}

async function* walk(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
  aim: (from: SigmaLevel, to: SigmaLevel) => Aim,
): AsyncGenerator<SolverStep, void, undefined> {
  const levels = levelsOf(options);
  let xt = xT;
  for (const [i, t] of options.timesteps.entries()) {
    throwIfStopped(options.signal);
    const [from, to] = [levels[i]!, levels[i + 1]!];
    const before = xt;
    const x0 = limitX0((await predict(before, t, from)).x0, options);
    const { down, up } = aim(from, to);
    const kept = down / from.sigma;
    xt = weightedSum([(to.signal / from.signal) * kept, before], [to.signal * (1 - kept), x0]);
    if (up > 0) {
      const noise = options.noise(i + 1, new Float32Array(xt.length));
      xt = weightedSum([1, xt], [to.signal * up, noise]);
    }
    yield stepOf(options, { i, level: from, before, x0, xt });
  }
}
