import { throwIfStopped } from '../../base/errors';
import { weightedSum } from '../forward';
import type { Predict } from '../prediction';
import { lambdaOf, levelsOf, type Seen, type SigmaLevel } from './levels';
import type { SolverOptions, SolverStep } from './solver';
import { limitX0, stepOf } from './solver';

/** A step as weights: of the state, and of the derivatives D0 = x0, D1 and D2 of x0 along λ. */
interface StepWeights {
  readonly state: number;
  readonly d0: number;
  readonly d1: number;
  readonly d2: number;
  readonly noise: number;
}

/**
 * DPM-Solver++ (Lu et al., 2022b, Algorithm 2, and section 3 for other orders), multistep: exact for the
 * linear part of the probability flow, x0 developed in λ = ln(√ᾱ/√(1−ᾱ)) to the order from its last
 * values. `diffusers`' DPMSolverMultistepScheduler with algorithm_type dpmsolver++ and solver_type
 * midpoint: the first steps and the last are of lower order.
 */
export async function* dpmSolver(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  yield* multistep(predict, xT, options, flowWeights);
}

/** The same for the reverse stochastic equation (sde-dpmsolver++; Lu et al., 2022b, appendix). */
export async function* sdeDpmSolver(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  yield* multistep(predict, xT, options, diffusionWeights);
}

/** Below this many steps, the last but one is at most of second order. */
const MANY_STEPS = 15;

async function* multistep(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
  weightsOf: (from: SigmaLevel, to: SigmaLevel, order: number) => StepWeights,
): AsyncGenerator<SolverStep, void, undefined> {
  const levels = levelsOf(options);
  const { timesteps, order = 2, noise, signal } = options;
  const steps = timesteps.length;
  let seen: readonly Seen[] = [];
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    throwIfStopped(signal);
    const [level, to] = [levels[i]!, levels[i + 1]!];
    const before = xt;
    const x0 = limitX0((await predict(before, t, level)).x0, options);
    seen = [{ x0, level }, ...seen].slice(0, order);
    const left = steps - i;
    const most = left === 1 ? 1 : left === 2 && steps < MANY_STEPS ? 2 : order;
    const used = seen.slice(0, most);
    const weights = weightsOf(level, to, used.length);
    xt = weightedSum([weights.state, before], ...developed(used, to, weights));
    if (weights.noise > 0) {
      xt = weightedSum([1, xt], [weights.noise, noise(i + 1, new Float32Array(xt.length))]);
    }
    yield stepOf(options, { i, level, before, x0, xt });
  }
}

/** d0·D0 + d1·D1 + d2·D2 as weights of the predictions from which the differences are taken. */
function developed(
  seen: readonly Seen[],
  to: SigmaLevel,
  { d0, d1, d2 }: StepWeights,
): (readonly [number, Float32Array])[] {
  const [a, b, c] = seen;
  if (!b) return [[d0, a!.x0]];
  const h = lambdaOf(to) - lambdaOf(a!.level);
  const r0 = (lambdaOf(a!.level) - lambdaOf(b.level)) / h;
  // D1 = (a − b)/r0.
  if (!c) return [[d0 + d1 / r0, a!.x0], [-d1 / r0, b.x0]]; // prettier-ignore
  const r1 = (lambdaOf(b.level) - lambdaOf(c.level)) / h;
  // With p = (a − b)/r0 and q = (b − c)/r1: D1 = p + r0/(r0 + r1)·(p − q), D2 = (p − q)/(r0 + r1).
  const difference = (d1 * r0 + d2) / (r0 + r1);
  const p = (d1 + difference) / r0;
  const q = -difference / r1;
  return [
    [d0 + p, a!.x0],
    [q - p, b.x0],
    [-q, c.x0],
  ];
}

/** Lu et al., 2022b, equations for the data prediction: with e = e^(−h) = σ_to/σ_from. */
function flowWeights(from: SigmaLevel, to: SigmaLevel, order: number): StepWeights {
  const e = to.sigma / from.sigma;
  const h = -Math.log(e);
  const d0 = to.signal * (1 - e);
  return {
    state: to.noise / from.noise,
    d0,
    d1: order === 2 ? d0 / 2 : order === 3 ? to.signal * ((e - 1) / h + 1) : 0,
    d2: order === 3 ? -to.signal * ((e - 1 + h) / h ** 2 - 0.5) : 0,
    noise: 0,
  };
}

/** As {@link flowWeights} with 2h for h, and the noise that is lost. */
function diffusionWeights(from: SigmaLevel, to: SigmaLevel, order: number): StepWeights {
  const e = to.sigma / from.sigma;
  const h = -Math.log(e);
  const rest = 1 - e * e;
  const d0 = to.signal * rest;
  return {
    state: (to.noise / from.noise) * e,
    d0,
    d1: order === 2 ? d0 / 2 : order === 3 ? to.signal * (1 - rest / (2 * h)) : 0,
    d2: order === 3 ? to.signal * ((rest - 2 * h) / (2 * h) ** 2 - 0.5) : 0,
    noise: to.noise * Math.sqrt(rest),
  };
}
