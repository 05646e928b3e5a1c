import { throwIfStopped } from '../../base/errors';
import { weightedSum } from '../forward';
import type { Predict } from '../prediction';
import { lambdaOf, levelsOf, type Seen, type SigmaLevel } from './levels';
import type { Bh, SolverOptions, SolverStep } from './solver';
import { limitX0, stepOf } from './solver';

/** A step that was taken, for the corrector. */
interface Taken {
  readonly start: Float32Array;
  readonly order: number;
}

/**
 * UniPC (Zhao et al., 2023, Algorithms 1 and 2), on x0, multistep: a predictor of the order, and at the
 * next level a corrector that uses the prediction made there anyway, so that a step still asks the model
 * once. `diffusers`' UniPCMultistepScheduler with predict_x0 and lower_order_final.
 */
export async function* unipc(
  predict: Predict,
  xT: Float32Array,
  options: SolverOptions,
): AsyncGenerator<SolverStep, void, undefined> {
  const levels = levelsOf(options);
  const { timesteps, order = 2, bh = 'bh2', signal } = options;
  let seen: readonly Seen[] = [];
  let taken: Taken | null = null;
  let xt = xT;
  for (const [i, t] of timesteps.entries()) {
    throwIfStopped(signal);
    const [level, to] = [levels[i]!, levels[i + 1]!];
    const before = xt;
    const x0 = limitX0((await predict(before, t, level)).x0, options);
    const now = { x0, level };
    const start: Float32Array = taken
      ? unify(taken.start, seen.slice(0, taken.order), level, bh, now)
      : before;
    seen = [now, ...seen].slice(0, order);
    const used = seen.slice(0, timesteps.length - i);
    xt = unify(start, used, to, bh);
    taken = { start, order: used.length };
    yield stepOf(options, { i, level, before, x0, xt });
  }
}

/**
 * One step of the unified formula from the newest of `seen` to a level: UniP; with `arrived`, the
 * prediction made there, UniC.
 */
function unify(
  x: Float32Array,
  seen: readonly Seen[],
  to: SigmaLevel,
  bh: Bh,
  arrived?: Seen,
): Float32Array {
  const [first, ...earlier] = seen;
  const { x0: m0, level: from } = first!;
  const h = lambdaOf(to) - lambdaOf(from);
  const phi1 = Math.expm1(-h);
  const terms: [number, Float32Array][] = [[to.noise / from.noise, x]];
  let weightM0 = -to.signal * phi1;
  const others = arrived ? [...earlier, arrived] : earlier;
  if (others.length > 0) {
    const places = others.map(({ level }) => (lambdaOf(level) - lambdaOf(from)) / h);
    const B = bh === 'bh1' ? -h : phi1;
    const rho = coefficients(places, -h, B);
    others.forEach(({ x0 }, k) => {
      const weight = (-to.signal * B * rho[k]!) / places[k]!;
      terms.push([weight, x0]);
      weightM0 -= weight;
    });
  }
  return weightedSum(...terms, [weightM0, m0]);
}

/**
 * ρ of R·ρ = b, with R_jk = r_k^(j−1) and b_j = j!·h·φ_{j+1}(h)/B, φ from Zhao et al., 2023, equation 6. A
 * single one is ½, to which it comes for small h.
 */
function coefficients(places: readonly number[], hh: number, B: number): number[] {
  if (places.length === 1) return [0.5];
  const rows: number[][] = [];
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  for (let j = 0; j < places.length; j++) {
    rows.push([...places.map((r) => r ** j), (phi * factorial) / B]);
    factorial *= j + 2;
    phi = phi / hh - 1 / factorial;
  }
  return solve(rows);
}

/** Solves linear equations, each a row of coefficients and the right-hand side. */
function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row) => (larger(row, best, k) ? row : best));
    rows.splice(rows.indexOf(pivot), 1, rows[k]!);
    rows[k] = pivot;
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[k]! / pivot[k]!;
      for (let j = k; j <= n; j++) row[j]! -= factor * pivot[j]!;
    }
  }
  return rows.map((row, k) => row[n]! / row[k]!);
}

function larger(a: readonly number[], b: readonly number[], k: number): boolean {
  return Math.abs(a[k]!) > Math.abs(b[k]!);
}
