import { appendFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import stored from '../../../../test/fixtures/solvers/cases.json';
import { fixtureTensors } from '../../../../test/support/fixtures';
import { DIFFUSERS_PREDICTION_TYPE, makePredict, PREDICTION_KINDS } from '../prediction';
import type { Model, PredictionKind } from '../prediction';
import { DIFFUSERS_BETA_SCHEDULE, makeSchedule, SCHEDULE_KINDS } from '../schedule';
import type { Spacing } from '../spacing';
import type { Bh, Order, SolverName, Variance } from './index';
import { SOLVERS } from './index';
import { planSteps } from './plan';

/** Keyword arguments of a diffusers scheduler, as far as the fixtures give them. */
interface Config {
  readonly prediction_type?: string;
  readonly beta_schedule?: string;
  readonly timestep_spacing?: Spacing;
  readonly steps_offset?: number;
  readonly rescale_betas_zero_snr?: boolean;
  readonly solver_order?: Order;
  readonly solver_type?: Bh;
  readonly use_karras_sigmas?: boolean;
  readonly skip_prk_steps?: boolean;
  readonly set_alpha_to_one?: boolean;
  readonly variance_type?: Variance;
  readonly clip_sample?: boolean;
  readonly clip_sample_range?: number;
  readonly thresholding?: boolean;
  readonly dynamic_thresholding_ratio?: number;
  readonly sample_max_value?: number;
}

interface Case {
  readonly solver: SolverName;
  readonly config: Config;
  readonly eta?: number;
  readonly steps: readonly number[];
  /** Mean and deviation of the data that the model knows. */
  readonly data: readonly [number, number];
  /** How often diffusers asked the model, for each of `steps`. */
  readonly evaluations: readonly number[];
}

/** States are compared in x_t, with images of ±1: about absolute. */
const TOLERANCE = 1e-4;
const cases = stored.cases as unknown as readonly Case[];
const tensors = fixtureTensors('solvers/trajectories.safetensors');
const states = tensors.get('states')!.data;
const asked = tensors.get('timesteps')!.data;
/** How near timesteps of Karras spacing come, which diffusers derives from ᾱ in float32. */
const KARRAS_NEAR = 0.05;
/** Numbers of a state that are stored. */
const STORED = [0, 2] as const;

/** The model of make.py: exact for data that are ±mean, each N(±mean, deviation²). */
function mixtureModel(kind: PredictionKind, [mean, deviation]: readonly [number, number]): Model {
  return (xs, t) => {
    const u = (t + 1) / 1000;
    const a2 = Math.exp(-0.1 * u - 9.95 * u * u);
    const [a, s] = [Math.sqrt(a2), Math.sqrt(1 - a2)];
    const variance = a2 * deviation ** 2 + 1 - a2;
    const shrunk = (a * deviation ** 2) / variance;
    return Promise.resolve(
      xs.map((x) => {
        const right = 1 / (1 + Math.exp((-2 * a * mean * x) / variance));
        const x0 = shrunk * x + (2 * right - 1) * mean * (1 - shrunk * a);
        const eps = (x - a * x0) / s;
        return { eps, x0, v: a * eps - s * x0 }[kind];
      }),
    );
  };
}

interface Run {
  readonly xt: readonly Float32Array[];
  readonly timesteps: readonly number[];
  readonly evaluations: number;
}

async function run({ solver: name, config, eta, data }: Case, steps: number): Promise<Run> {
  const schedule = makeSchedule({
    kind: SCHEDULE_KINDS.find(
      (kind) => DIFFUSERS_BETA_SCHEDULE[kind] === (config.beta_schedule ?? 'linear'),
    )!,
    zeroTerminalSnr: config.rescale_betas_zero_snr ?? false,
  });
  const kind = PREDICTION_KINDS.find(
    (each) => DIFFUSERS_PREDICTION_TYPE[each] === (config.prediction_type ?? 'epsilon'),
  )!;
  const { start, ...plan } = planSteps(name, {
    schedule,
    steps,
    spacing: config.timestep_spacing ?? 'leading',
    offset: config.steps_offset,
    karras: config.use_karras_sigmas,
  });
  let evaluations = 0;
  const model = mixtureModel(kind, data);
  const predict = makePredict(kind, schedule, (x, t) => {
    evaluations++;
    return model(x, t);
  });
  const xT = Float32Array.from(stored.xT, (value) => value * start);
  const made = SOLVERS[name].solver(predict, xT, {
    ...plan,
    schedule,
    prediction: kind,
    sampleSize: 2,
    clip: config.clip_sample ? config.clip_sample_range! : false,
    threshold: config.thresholding
      ? { ratio: config.dynamic_thresholding_ratio!, max: config.sample_max_value! }
      : undefined,
    eta,
    variance: config.variance_type,
    alphaToOne: config.set_alpha_to_one,
    order: config.solver_order,
    bh: config.solver_type,
    skipPrk: config.skip_prk_steps,
    noise: (step, out) => {
      out.set(stored.noises[step - 1]!);
      return out;
    },
  });
  const xt: Float32Array[] = [];
  const timesteps: number[] = [];
  for await (const step of made) {
    xt.push(step.xt);
    timesteps.push(step.t);
  }
  return { xt, timesteps, evaluations };
}

/** "prediction_type v_prediction, solver_order 3": a case in words. */
function wordsOf({ config, eta }: Case): string {
  const words = Object.entries({ ...config, ...(eta !== undefined && { eta }) })
    .filter(([key]) => key !== 'algorithm_type')
    .map(([key, value]) => `${key} ${value}`);
  return words.join(', ') || 'as it comes';
}

function isCut({ solver, config }: Case): boolean {
  const isDpmSolver = solver.endsWith('dpmsolver++');
  return isDpmSolver && config.use_karras_sigmas === true && 'beta_schedule' in config;
}

/** Where each case's first state is. */
const starts: number[] = [];
cases.reduce((at, { steps }) => {
  starts.push(at);
  return at + steps.reduce((sum, each) => sum + each, 0);
}, 0);

/** The greatest deviation of each case and number of steps; written to SOLVER_TABLE as Markdown. */
const table: string[] = [];
afterAll(() => {
  const file = process.env.SOLVER_TABLE;
  if (file) appendFileSync(file, `${table.join('\n')}\n`);
});

describe('trajectories are those of diffusers', () => {
  it.each(cases.map((each, i) => [each.solver, wordsOf(each), i] as const))(
    '%s: %s',
    async (name, words, i) => {
      const each = cases[i]!;
      let at = starts[i]!;
      const worst: string[] = [];
      for (const [k, steps] of each.steps.entries()) {
        const { xt, timesteps, evaluations } = await run(each, steps);
        const near = each.config.use_karras_sigmas ? KARRAS_NEAR : 1e-3;
        timesteps.forEach((t, step) => {
          // diffusers cuts T − 1 as it comes in float32, a little above or below.
          if (step === 0 && isCut(each)) expect(t - asked[at]!).toBe(1);
          else expect(Math.abs(t - asked[at + step]!)).toBeLessThan(near);
        });
        expect(evaluations).toBe(each.evaluations[k]);
        const { skip_prk_steps: skipPrk } = each.config;
        expect(SOLVERS[name].evaluations(steps, { skipPrk })).toBe(evaluations);
        let greatest = 0;
        xt.forEach((state, step) => {
          STORED.forEach((place, n) => {
            const expected = states[(at + step) * STORED.length + n]!;
            const gap = Math.abs(state[place]! - expected);
            // With bh1, diffusers' last step is ∞·0; ours is UniP's, the predicted image.
            const isUnknown = Number.isNaN(expected) && each.config.solver_type === 'bh1';
            if (isUnknown) expect([step, Number.isFinite(state[place])]).toEqual([steps - 1, true]);
            else greatest = Math.max(greatest, Number.isNaN(gap) ? Infinity : gap);
          });
        });
        expect(greatest).toBeLessThan(TOLERANCE);
        worst.push(`${steps}: ${greatest.toExponential(1)}`);
        at += steps;
      }
      table.push(`| ${name} | ${words} | ${worst.join(' · ')} |`);
    },
  );

  it('uses all that is stored', () => {
    const used = starts.at(-1)! + cases.at(-1)!.steps.reduce((sum, steps) => sum + steps, 0);
    expect(used * STORED.length).toBe(states.length);
    expect(new Set(cases.map(({ solver }) => solver))).toEqual(new Set(Object.keys(SOLVERS)));
  });
});
