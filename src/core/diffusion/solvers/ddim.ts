import { throwIfStopped } from '../../base/errors';
import { mix } from '../forward';
import type { Predict } from '../prediction';
import { epsFromX0 } from '../prediction';
import { alphaBarAt, levelAt } from '../schedule';
import type { SolverOptions, SolverStep } from './solver';
import { checkOptions, limitX0, stepOf } from './solver';

/**
 * Denoising diffusion implicit models (Song et al., 2020, equations 12 and 16):
 * x_prev = √ᾱ_prev·x0 + √(1 − ᾱ_prev − σ²)·eps + σ·noise, σ = η·√((1−ᾱ_prev)/(1−ᾱ_t)·(1−ᾱ_t/ᾱ_prev)).
 *
 * Every step goes to the next timestep of the list. `diffusers`' DDIMScheduler goes to t − ⌊T/N⌋
 * instead: the same for leading spacing and, where N divides T, for trailing; elsewhere (linspace
 * above all) that is not the level at which the model is asked next, and we do not follow it.
 */
export async function* ddim(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  checkOptions(options);
  const { schedule, timesteps, noise, eta = 0, signal } = options;
  const finalAlphaBar = (options.alphaToOne ?? true) ? 1 : alphaBarAt(schedule, 0);
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    throwIfStopped(signal);
    const before = xt;
    const prediction = await predict(before, t);
    const x0 = limitX0(prediction.x0, options);
    const eps = options.rederiveEps ? epsFromX0(schedule, x0, before, t) : prediction.eps;

    const next = timesteps[i + 1];
    const alphaBar = alphaBarAt(schedule, t);
    const alphaBarNext = next === undefined ? finalAlphaBar : alphaBarAt(schedule, next);
    const variance = ((1 - alphaBarNext) / (1 - alphaBar)) * (1 - alphaBar / alphaBarNext);
    const sigma = eta * Math.sqrt(Math.max(variance, 0));
    const direction = Math.sqrt(Math.max(1 - alphaBarNext - sigma * sigma, 0));
    xt = mix(Math.sqrt(alphaBarNext), x0, direction, eps);
    if (sigma > 0) mix(1, xt, sigma, noise(i + 1, new Float32Array(xt.length)), xt);
    yield stepOf(options, { i, level: levelAt(schedule, t), before, x0, xt });
  }
}
