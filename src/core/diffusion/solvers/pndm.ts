import { throwIfStopped, UserError } from '../../base/errors';
import { weightedSum } from '../forward';
import type { Predict } from '../prediction';
import { predictionAt, weightsAt } from '../prediction';
import type { Level } from '../schedule';
import { levelAt } from '../schedule';
import type { SolverOptions, SolverStep } from './solver';
import { checkOptions, stepOf } from './solver';

/** Steps that the Runge-Kutta start takes, and evaluations in each. */
export const PRK = { steps: 3, evaluations: 4 } as const;

/** Adams-Bashforth's weights of the last outputs, the newest first, for 1 … 4 of them. */
const ADAMS_BASHFORTH = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const; // prettier-ignore

/**
 * Pseudo numerical methods on the manifold (Liu et al., 2022): the first three steps by pseudo
 * Runge-Kutta, four evaluations each (Algorithm 2), the rest by linear multistep (PLMS, equation 12), each
 * led to the next timestep by the transfer of equation 11. With `skipPrk`, the first step is an improved
 * Euler step of two evaluations, and the multistep begins at second order.
 *
 * `diffusers`' PNDMScheduler, but that each step goes to the next timestep of the list, not to t − ⌊T/N⌋
 * (the same for leading spacing, and where N divides T for trailing). As there, outputs are combined as they
 * come, so those of a v model before they are turned into eps.
 *
 * @throws UserError for less than 4 steps with the Runge-Kutta start, or where nothing of the image is left
 */
export async function* pndm(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  checkOptions(options);
  const walk = new Walk(predict, options);
  const { timesteps, skipPrk = false } = options;
  walk.check();
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    const before = xt;
    const first = await walk.ask(before, t);
    walk.keep(first.output);
    if (!skipPrk && i < PRK.steps) xt = await walk.rungeKutta(i, before, first.output);
    else if (i === 0 && timesteps.length > 1) xt = await walk.improvedEuler(before, first.output);
    else xt = walk.multistep(i, before);
    yield stepOf(options, { i, level: walk.levelAt(t), before, x0: first.x0, xt });
  }
}

class Walk {
  /** Outputs at the timesteps of the list, the newest first. */
  private outputs: readonly Float32Array[] = [];
  /** In which outputs are combined: what diffusers does for eps and v; x0 is taken as eps. */
  private readonly kind;

  constructor(
    private readonly predict: Predict,
    private readonly options: SolverOptions,
  ) {
    this.kind = options.prediction === 'v' ? ('v' as const) : ('eps' as const);
  }

  check(): void {
    const { timesteps, skipPrk = false, schedule } = this.options;
    if (!skipPrk && timesteps.length <= PRK.steps) {
      throw new UserError(
        `steps is ${timesteps.length}: PNDM starts with ${PRK.steps} Runge-Kutta steps, so give at ` +
          `least ${PRK.steps + 1}, or skip them (skipPrk).`,
      );
    }
    const noisiest = timesteps[0]!;
    if (levelAt(schedule, noisiest).signal > 0) return;
    throw new UserError(
      `PNDM cannot start at timestep ${noisiest}, where zero terminal SNR leaves nothing of the image: ` +
        'choose another solver, or leading spacing.',
    );
  }

  async ask(x: Float32Array, t: number): Promise<{ x0: Float32Array; output: Float32Array }> {
    throwIfStopped(this.options.signal);
    const { x0, eps } = await this.predict(x, t);
    const weights = weightsAt(this.kind, this.levelAt(t));
    return { x0, output: weightedSum([weights.x0, x0], [weights.eps, eps]) };
  }

  keep(output: Float32Array): void {
    this.outputs = [output, ...this.outputs].slice(0, ADAMS_BASHFORTH.length);
  }

  multistep(i: number, x: Float32Array): Float32Array {
    const weights = ADAMS_BASHFORTH[this.outputs.length - 1]!;
    const mean = weightedSum(...this.outputs.map((output, k) => [weights[k]!, output] as const));
    return this.transfer(x, mean, this.timestep(i), this.timestep(i + 1));
  }

  async improvedEuler(x: Float32Array, e1: Float32Array): Promise<Float32Array> {
    const [t, next] = [this.timestep(0), this.timestep(1)];
    const e2 = await this.ask(this.transfer(x, e1, t, next), next);
    return this.transfer(x, weightedSum([1 / 2, e2.output], [1 / 2, e1]), t, next);
  }

  /** From step i to the next, with two evaluations half way and one at the end. */
  async rungeKutta(i: number, x: Float32Array, e1: Float32Array): Promise<Float32Array> {
    const [t, next] = [this.timestep(i), this.timestep(i + 1)];
    const half = Math.floor((t - next) / 2);
    const middle = next + half;
    // Where the gap is odd, diffusers leads the state to one timestep above the one it asks at.
    const e2 = await this.ask(this.transfer(x, e1, t, t - half), middle);
    const e3 = await this.ask(this.transfer(x, e2.output, t, middle), middle);
    const e4 = await this.ask(this.transfer(x, e3.output, t, next), next);
    const mean = weightedSum(
      [1 / 6, e1],
      [1 / 3, e2.output],
      [1 / 3, e3.output],
      [1 / 6, e4.output],
    );
    return this.transfer(x, mean, t, next);
  }

  /** The level of a timestep; below 0, that of the samples. */
  levelAt(t: number): Level {
    const { schedule, alphaToOne = false } = this.options;
    if (t >= 0) return levelAt(schedule, t);
    return alphaToOne ? { signal: 1, noise: 0 } : levelAt(schedule, 0);
  }

  /** The timestep of step i; after the last, −1. */
  private timestep(i: number): number {
    return this.options.timesteps[i] ?? -1;
  }

  /** φ (equation 11): as if the output held all the way from t to `to`. */
  private transfer(x: Float32Array, output: Float32Array, t: number, to: number): Float32Array {
    const [from, aim] = [this.levelAt(t), this.levelAt(to)];
    const { eps } = predictionAt(this.kind, from, output, x);
    const gain = aim.signal ** 2 - from.signal ** 2;
    const part = from.signal ** 2 * aim.noise + from.signal * from.noise * aim.signal;
    return weightedSum([aim.signal / from.signal, x], [-gain / part, eps]);
  }
}
