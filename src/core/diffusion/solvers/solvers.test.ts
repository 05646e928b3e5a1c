import { describe, expect, it } from 'vitest';
import fixture from '../../../../test/fixtures/diffusion/trajectories.json';
import { StoppedError, UserError } from '../../base/errors';
import { initialNoise, solverNoise } from '../noise';
import type { Model } from '../prediction';
import { DIFFUSERS_PREDICTION_TYPE, makePredict, PREDICTION_KINDS } from '../prediction';
import type { NoiseSchedule } from '../schedule';
import { DIFFUSERS_BETA_SCHEDULE, makeSchedule, SCHEDULE_KINDS } from '../schedule';
import type { Spacing } from '../spacing';
import { spacedTimesteps } from '../spacing';
import { posterior } from './ddpm';
import type { Bh, Order, SolverName, SolverOptions, SolverStep, Variance } from './index';
import { SOLVER_NAMES, SOLVERS } from './index';

async function drain(steps: AsyncGenerator<SolverStep>): Promise<SolverStep[]> {
  const all: SolverStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

/** The formula that stands for a network in the stored trajectories. */
const formula: Model = (x, t) =>
  Promise.resolve(x.map((value) => 0.6 * value * Math.cos(0.01 * t) + 0.2 * Math.sin(value + t)));

function relativeGap(a: Float32Array, b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  const scale = Math.max(1, ...b.map(Math.abs));
  return Math.max(...b.map((value, i) => Math.abs(value - a[i]!))) / scale;
}

describe('diffusers', () => {
  it.each(fixture.cases.map((stored, i) => [i, stored.solver, stored] as const))(
    'case %i: the trajectory of %s',
    async (_, name, stored) => {
      const schedule = makeSchedule({
        kind: SCHEDULE_KINDS.find((k) => DIFFUSERS_BETA_SCHEDULE[k] === stored.beta_schedule)!,
        zeroTerminalSnr: stored.zero_snr ?? false,
      });
      const timesteps = spacedTimesteps({
        spacing: stored.spacing as Spacing,
        timesteps: schedule.timesteps,
        steps: stored.steps,
        offset: stored.offset,
      });
      const kind = PREDICTION_KINDS.find(
        (k) => DIFFUSERS_PREDICTION_TYPE[k] === stored.prediction_type,
      )!;
      const predict = makePredict(kind, schedule, formula);
      const steps = await drain(
        SOLVERS[name as SolverName].solver(predict, Float32Array.from(fixture.xT), {
          schedule,
          timesteps,
          clip: stored.clip,
          eta: stored.eta,
          variance: stored.variance_type as Variance | undefined,
          alphaToOne: stored.set_alpha_to_one,
          rederiveEps: stored.use_clipped_model_output,
          noise: (step, out) => {
            out.set(fixture.noises[step - 1]!);
            return out;
          },
        }),
      );
      expect(steps.map(({ t }) => t)).toEqual(stored.list);
      steps.forEach(({ step, steps: of, xt, x0 }, i) => {
        expect([step, of]).toEqual([i + 1, stored.steps]);
        expect(relativeGap(xt, stored.xt[i]!)).toBeLessThan(1e-6);
        expect(relativeGap(x0, stored.x0[i]!)).toBeLessThan(1e-6);
      });
    },
  );
});

/** The exact eps of data N(mean, deviation²): E[ε | x_t], a line in x_t. */
function gaussianModel(schedule: NoiseSchedule, mean: number, deviation: number): Model {
  return (x, t) => {
    const alphaBar = schedule.alphaBars[t]!;
    const variance = alphaBar * deviation ** 2 + 1 - alphaBar;
    const slope = Math.sqrt(1 - alphaBar) / variance;
    return Promise.resolve(x.map((value) => slope * (value - Math.sqrt(alphaBar) * mean)));
  };
}

function optionsFor(schedule: NoiseSchedule, steps: number, sampleSize: number): SolverOptions {
  return {
    schedule,
    timesteps: spacedTimesteps({ spacing: 'trailing', timesteps: schedule.timesteps, steps }),
    clip: false,
    noise: (step, out) => solverNoise({ seed: 3, firstSample: 0, sampleSize }, step, out),
  };
}

describe('Gaussian data with the exact model', () => {
  const mean = 0.3;
  const deviation = 0.5;
  const schedule = makeSchedule({ kind: 'cosine' });
  const predict = makePredict('eps', schedule, gaussianModel(schedule, mean, deviation));

  /** DDIM is affine here: the images of −1, 0 and 1 give its mean and deviation exactly. */
  async function ddimErrors(steps: number): Promise<[number, number]> {
    const options = optionsFor(schedule, steps, 3);
    const made = await drain(SOLVERS.ddim.solver(predict, Float32Array.of(-1, 0, 1), options));
    const [low, middle, high] = made.at(-1)!.xt;
    return [Math.abs(middle! - mean), Math.abs((high! - low!) / 2 - deviation)];
  }

  it('DDIM carries N(0, 1) to the data, the better the more steps', async () => {
    const few = await ddimErrors(10);
    const more = await ddimErrors(100);
    const all = await ddimErrors(1000);
    expect(more[1]).toBeLessThan(few[1] / 4);
    expect(all[1]).toBeLessThan(more[1] / 4);
    expect(all[0]).toBeLessThan(2e-3);
    expect(all[1]).toBeLessThan(2e-3);
  });

  it.each([
    ['ddpm', {}],
    ['ddpm', { variance: 'fixed_large' }],
    ['ddim', { eta: 1 }],
    ['ddim', { eta: 0 }],
    ['dpmsolver++', { order: 3 }],
    ['sde-dpmsolver++', {}],
    ['euler', {}],
    ['euler-ancestral', {}],
    ['heun', {}],
    ['unipc', { bh: 'bh1' }],
  ] as const)('%s %j gives samples of its mean and deviation', async (name, settings) => {
    const size = 4000;
    const options = { ...optionsFor(schedule, 250, size), ...settings };
    const xT = initialNoise({ seed: 9, firstSample: 0, sampleSize: size }, new Float32Array(size));
    const x = (await drain(SOLVERS[name].solver(predict, xT, options))).at(-1)!.xt;
    const sampleMean = x.reduce((sum, value) => sum + value, 0) / size;
    const square = x.reduce((sum, value) => sum + (value - sampleMean) ** 2, 0) / size;
    expect(Math.abs(sampleMean - mean)).toBeLessThan(0.03);
    expect(Math.abs(Math.sqrt(square) - deviation)).toBeLessThan(0.03);
  });
});

describe('posterior', () => {
  const schedule = makeSchedule({ timesteps: 100, betaEnd: 0.1 });

  it.each([
    [60, 59],
    [60, 40],
    [99, 0],
  ])('from %i to %i is the product of prior and likelihood', (t, previous) => {
    // x_prev | x0 ~ N(√ᾱp·x0, 1−ᾱp); x_t | x_prev ~ N(√α·x_prev, 1−α): precisions add.
    const alphaBarPrevious = schedule.alphaBars[previous]!;
    const alpha = schedule.alphaBars[t]! / alphaBarPrevious;
    const precision = 1 / (1 - alphaBarPrevious) + alpha / (1 - alpha);
    const q = posterior(schedule, t, previous);
    expect(q.variance * precision).toBeCloseTo(1, 10);
    expect(q.meanX0).toBeCloseTo(
      Math.sqrt(alphaBarPrevious) / (1 - alphaBarPrevious) / precision,
      10,
    );
    expect(q.meanXt).toBeCloseTo(Math.sqrt(alpha) / (1 - alpha) / precision, 10);
    expect(posterior(schedule, t, previous, 'fixed_large').variance).toBeCloseTo(1 - alpha, 12);
  });

  it('to the clean image is x0', () => {
    const q = posterior(schedule, 0, -1);
    expect([q.meanX0, q.meanXt, q.variance]).toEqual([1, 0, 1e-20]);
  });
});

describe('higher orders', () => {
  const schedule = makeSchedule({ kind: 'linear' });
  const predict = makePredict('eps', schedule, gaussianModel(schedule, 0.3, 0.5));

  async function deviationError(name: SolverName, steps: number): Promise<number> {
    const options = optionsFor(schedule, steps, 3);
    const made = await drain(SOLVERS[name].solver(predict, Float32Array.of(-1, 0, 1), options));
    const [low, , high] = made.at(-1)!.xt;
    return Math.abs((high! - low!) / 2 - 0.5);
  }

  it.each(['pndm', 'dpmsolver++', 'unipc', 'heun'] as const)(
    '%s is nearer than DDIM',
    async (name) => {
      expect(await deviationError(name, 20)).toBeLessThan((await deviationError('ddim', 20)) / 2);
    },
  );
});

describe('zero terminal SNR', () => {
  const schedule = makeSchedule({ kind: 'linear', zeroTerminalSnr: true });
  const predict = makePredict('v', schedule, formula);

  it.each(SOLVER_NAMES)('%s gives images, or says why not', async (name) => {
    const options = optionsFor(schedule, 10, 3);
    const run = drain(SOLVERS[name].solver(predict, Float32Array.of(-1, 0, 1), options));
    if (name === 'pndm') await expect(run).rejects.toThrow('PNDM cannot start at timestep 999');
    else expect((await run).at(-1)!.xt.every(Number.isFinite)).toBe(true);
  });
});

describe('PNDM', () => {
  it('says how many steps its start needs', async () => {
    const schedule = makeSchedule();
    const options = optionsFor(schedule, 3, 1);
    const predict = makePredict('eps', schedule, formula);
    const run = (skipPrk: boolean) =>
      drain(SOLVERS.pndm.solver(predict, Float32Array.of(1), { ...options, skipPrk }));
    await expect(run(false)).rejects.toThrow(UserError);
    await expect(run(false)).rejects.toThrow('steps is 3: PNDM starts with 3 Runge-Kutta steps');
    expect(await run(true)).toHaveLength(3);
  });
});

describe.each(SOLVER_NAMES)('%s', (name) => {
  const schedule = makeSchedule({ kind: 'cosine', timesteps: 100 });
  const { solver } = SOLVERS[name];
  const predict = makePredict('v', schedule, formula);
  const options = { ...optionsFor(schedule, 8, 6), eta: 0.5 };
  const xT = initialNoise({ seed: 4, firstSample: 0, sampleSize: 6 }, new Float32Array(12));

  it('is deterministic, leaves xT alone, and never writes what it gave', async () => {
    const kept = xT.slice();
    const first: SolverStep[] = [];
    const copies: Float32Array[] = [];
    for await (const step of solver(predict, xT, options)) {
      first.push(step);
      copies.push(step.xt.slice(), step.x0.slice());
    }
    expect(first.flatMap((step) => [step.xt, step.x0])).toEqual(copies);
    expect(await drain(solver(predict, xT, options))).toEqual(first);
    expect(xT).toEqual(kept);
  });

  it('gives a sample the same steps in any batch', async () => {
    const both = await drain(solver(predict, xT, options));
    const noise: SolverOptions['noise'] = (step, out) =>
      solverNoise({ seed: 3, firstSample: 1, sampleSize: 6 }, step, out);
    const alone = await drain(solver(predict, xT.slice(6), { ...options, noise }));
    expect(alone.map(({ xt }) => xt)).toEqual(both.map(({ xt }) => xt.slice(6)));
  });

  it('stops when told to', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const run = async () => {
      for await (const { step } of solver(predict, xT, { ...options, signal: controller.signal })) {
        seen.push(step);
        if (step === 2) controller.abort();
      }
    };
    await expect(run()).rejects.toBeInstanceOf(StoppedError);
    expect(seen).toEqual([1, 2]);
  });

  it.each<[Partial<SolverOptions>, RegExp]>([
    [{ timesteps: [] }, /at least 1 step/],
    [{ timesteps: [100, 50] }, /Timestep 100 at place 0/],
    [{ timesteps: [50, 50] }, /Timestep 50 at place 1/],
    [{ timesteps: [50, -1] }, /Timestep -1 at place 1/],
    [{ order: 4 as Order }, /no order '4'.*1, 2, 3/],
    [{ bh: 'bh3' as Bh }, /no bh 'bh3'.*bh1, bh2/],
    [{ threshold: { ratio: 0, max: null } }, /threshold is 0/],
    [{ threshold: { ratio: 0.9, max: 0.5 } }, /largest threshold is 0.5/],
    [{ eta: -0.1 }, /eta is -0.1/],
    [{ eta: 1.5 }, /eta is 1.5/],
    [{ clip: 0 }, /clip range is 0/],
    [{ variance: 'learned' as Variance }, /'learned'.*fixed_small, fixed_large/],
  ])('refuses %j', async (wrong, message) => {
    const first = () => solver(predict, xT, { ...options, ...wrong }).next();
    await expect(first()).rejects.toThrow(UserError);
    await expect(first()).rejects.toThrow(message);
  });

  it('asks between timesteps only if it is made for that', async () => {
    const first = () => solver(predict, xT, { ...options, timesteps: [0.5], skipPrk: true }).next();
    if (SOLVERS[name].grid === 'timesteps') await expect(first()).rejects.toThrow(/Timestep 0.5/);
    else expect((await first()).value).toMatchObject({ step: 1, t: 0.5 });
  });

  it('has a default number of steps within T', () => {
    const { defaultSteps } = SOLVERS[name];
    for (const timesteps of [2, 100, 1000]) {
      expect(defaultSteps(timesteps)).toBeGreaterThan(0);
      expect(defaultSteps(timesteps)).toBeLessThanOrEqual(timesteps);
    }
  });
});
