import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from '../../../test/support/bundles';
import { fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu } from '../../../test/support/values';
import { webgpu } from '../../../test/support/webgpu';
import { StoppedError, UserError } from '../base/errors';
import { makePredict } from '../diffusion/prediction';
import type { SamplingConfig } from '../checkpoint/scheduler-config';
import { SOLVERS } from '../diffusion/solvers';
import { spacedTimesteps } from '../diffusion/spacing';
import { initialise, unpack } from '../nn/parameters';
import { parametersOf, type ModelConfig } from '../nn/model';
import { smallUNet } from '../nn/unet2d-config';
import type { Runtime } from '../runtime/runtime';
import { createDenoiser } from './denoiser';
import { sampleToEnd } from './sampler';
import {
  openModel,
  sampleImages,
  settingsFor,
  type SampledEvent,
  type SampledModel,
  type SamplingEvent,
  type SamplingWishes,
} from './sampling-job';

const PIPELINE = path.resolve(__dirname, '../../../test/fixtures/sample/pipeline');
const stored = fixtureTensors('sample/trajectories.safetensors');
const scratch = new Scratch();
let model: SampledModel;

beforeAll(async () => {
  model = await openModel(PIPELINE);
});
afterAll(() => scratch.remove());

const WISHES: SamplingWishes = { count: 5, seed: 2, solver: 'ddim', steps: 4 };

async function drawAll(
  wishes: SamplingWishes,
  drawnFrom = model,
  runtime: Runtime = cpu,
): Promise<{ events: SamplingEvent[]; done: SampledEvent }> {
  const events: SamplingEvent[] = [];
  for await (const event of sampleImages(runtime, drawnFrom, wishes)) events.push(event);
  const done = events.at(-1)!;
  if (done.type !== 'done') throw new Error('the last event is not done');
  return { events, done };
}

/** A runtime that counts what was compiled and not yet disposed. */
function counting(): { runtime: Runtime; alive: () => number } {
  let alive = 0;
  const runtime: Runtime = {
    device: cpu.device,
    description: cpu.description,
    createState: (initial) => cpu.createState(initial),
    compile: async (graph, options) => {
      const executable = await cpu.compile(graph, options);
      alive++;
      return {
        run: (feeds, state) => executable.run(feeds, state),
        dispose: async () => {
          alive--;
          await executable.dispose();
        },
      };
    },
  };
  return { runtime, alive: () => alive };
}

describe.each([cpu, webgpu].filter((runtime) => runtime !== null))(
  'a pipeline that diffusers saved, on $device',
  (runtime) => {
    /** The solver as `sample` calls it, but from the stored noise. */
    async function trajectory(solver: 'ddim' | 'ddpm') {
      const settings = settingsFor(model, { count: 2, seed: 0, solver, steps: 10 });
      const { schedule, prediction } = model.diffusion;
      const denoiser = await createDenoiser(runtime, model.pipeline.model, model.weights, 2);
      const { spacing, offset, steps } = settings;
      const timesteps = spacedTimesteps({ spacing, steps, offset, timesteps: schedule.timesteps });
      const predict = makePredict(prediction, schedule, (xt, t) => denoiser.predict(xt, t));
      const fresh = stored.get('fresh')!.data;
      const run = SOLVERS[solver].solver(predict, stored.get('noise')!.data, {
        ...settings,
        schedule,
        timesteps,
        noise: (step, out) => {
          out.set(fresh.subarray((step - 1) * out.length, step * out.length));
          return out;
        },
      });
      const xt: number[] = [];
      const x0: number[] = [];
      for await (const frame of run) {
        xt.push(...frame.xt);
        x0.push(...frame.x0);
      }
      await denoiser.dispose();
      return { timesteps, xt, x0 };
    }

    const solvers = runtime.device === 'cpu' ? (['ddim', 'ddpm'] as const) : (['ddim'] as const);
    it.each(solvers)('gives diffusers’ images: %s', async (solver) => {
      const { timesteps, xt, x0 } = await trajectory(solver);
      expect(timesteps).toEqual([...stored.get(`${solver}.timesteps`)!.data]);
      expect(relativeError(xt, stored.get(`${solver}.xt`)!.data)).toBeLessThan(2e-5);
      if (solver === 'ddim') {
        expect(relativeError(x0, stored.get('ddim.x0')!.data)).toBeLessThan(2e-5);
      }
      const last = xt.slice(-2 * 64);
      const expected = stored.get(`${solver}.xt`)!.data.slice(-2 * 64);
      expect(last.every((x, i) => Math.abs(x - expected[i]!) < 1e-4)).toBe(true);
    });
  },
);

describe('settingsFor', () => {
  it('takes from the folder what is not asked for', () => {
    expect(settingsFor(model, { count: 1, seed: 9, solver: 'ddim' })).toEqual({
      solver: 'ddim',
      seed: 9,
      steps: 50,
      spacing: 'leading',
      offset: 0,
      eta: 0,
      variance: 'fixed_small',
      clip: 1.5,
    });
    expect(settingsFor(model, { count: 1, seed: 9, solver: 'ddpm', steps: 10 }).offset).toBe(1);
    const asked = { spacing: 'trailing', eta: 0.5 } as const;
    expect(settingsFor(model, { ...WISHES, ...asked })).toMatchObject({ ...asked, offset: 0 });
    const noisy = { ...WISHES, solver: 'ddpm', variance: 'fixed_large' } as const;
    expect(settingsFor(model, noisy)).toMatchObject({ variance: 'fixed_large' });
  });

  it('draws by the folder’s solver, but by DDIM where that is DDPM', () => {
    const { pipeline } = model;
    const inFolder = (sampling: Partial<SamplingConfig>, wishes: Partial<SamplingWishes> = {}) =>
      settingsFor(
        { ...model, pipeline: { ...pipeline, sampling: { ...pipeline.sampling, ...sampling } } },
        { count: 1, seed: 0, ...wishes },
      );
    expect(inFolder({}).solver).toBe('ddim');
    expect(inFolder({ solver: 'euler' }).solver).toBe('euler');
    const threshold = { ratio: 0.9, max: 2 };
    const unipc = { solver: 'unipc', order: 3, bh: 'bh1', karras: true, threshold } as const;
    const expected = { ...unipc, steps: 20, clip: false };
    expect(inFolder(unipc)).toMatchObject(expected);
    expect(inFolder(unipc, { karras: false, threshold: 0.99, order: 1 })).toMatchObject({
      ...expected,
      karras: false,
      order: 1,
      threshold: { ratio: 0.99, max: 2 },
    });
    expect(inFolder({}, { solver: 'dpmsolver++', threshold: 0.99 })).toMatchObject({
      threshold: { ratio: 0.99, max: null },
    });
    const pndm = inFolder({ solver: 'pndm', skipPrk: true, alphaToOne: false });
    expect(pndm).toMatchObject({ skipPrk: true, alphaToOne: false });
    for (const key of ['order', 'bh', 'karras', 'threshold']) expect(pndm).not.toHaveProperty(key);
  });

  it.each<[Partial<SamplingWishes>, string]>([
    [{ solver: 'ddpm', eta: 0.5 }, '--eta is for the ddim solver, not ddpm; leave it out.'],
    [
      { solver: 'euler', order: 2 },
      '--order is for the dpmsolver++, sde-dpmsolver++ and unipc solvers, not euler; leave it out.',
    ],
    [{ solver: 'euler-ancestral', karras: true }, '--karras is for the dpmsolver++'],
    [{ solver: 'ddim', skipPrk: true }, '--skip-prk is for the pndm solver'],
    [{ solver: 'heun', threshold: 0.9 }, '--threshold is for the ddpm, ddim'],
    [{ thresholdMax: 2 }, '--threshold-max is for --threshold, which is not given'],
    [{ solver: 'pndm', steps: 3 }, '--steps is 3, but PNDM starts with 3 Runge-Kutta steps'],
    [{ solver: 'unipc', steps: 50 }, '--steps is 50, but unipc takes at most 49 of 50 timesteps'],
  ])('refuses %j', (wishes, sentence) => {
    const settings = () => settingsFor(model, { count: 1, seed: 0, ...wishes });
    expect(settings).toThrow(UserError);
    expect(settings).toThrow(sentence);
  });

  it('refuses more steps than there are timesteps', () => {
    const settings = () => settingsFor(model, { ...WISHES, steps: 51 });
    expect(settings).toThrow(UserError);
    expect(settings).toThrow('--steps is 51, more than the 50 timesteps');
  });
});

describe('sampleImages', () => {
  it('yields every step in order, then all images', async () => {
    const { events, done } = await drawAll({ ...WISHES, count: 3 });
    const frames = events.flatMap((event) => (event.type === 'frame' ? [event] : []));
    expect(frames.map(({ step, steps, t }) => [step, steps, t])).toEqual([
      [1, 4, 37],
      [2, 4, 25],
      [3, 4, 13],
      [4, 4, 1],
    ]);
    expect(frames.map(({ progress }) => progress)).toEqual([0.25, 0.5, 0.75, 1]);
    for (const { xt, x0 } of frames) {
      expect(xt.shape).toEqual([3, 1, 8, 8]);
      expect(x0.shape).toEqual([3, 1, 8, 8]);
      expect(Math.max(...x0.data.map(Math.abs))).toBeLessThanOrEqual(1.5);
    }
    expect(done.images.shape).toEqual([3, 1, 8, 8]);
    expect(done.images.data).toEqual(frames.at(-1)!.xt.data);
    expect(done.seconds).toBeGreaterThan(0);
  });

  it.each<Partial<SamplingWishes>>([
    { solver: 'ddim', eta: 0.7 },
    { solver: 'ddpm' },
    { solver: 'sde-dpmsolver++', threshold: 0.9, thresholdMax: 1.5 },
    { solver: 'euler-ancestral' },
    { solver: 'heun', karras: true },
  ])('draws image i the same in any batch: %j', async (changes) => {
    const wishes = { ...WISHES, ...changes };
    const five = (await drawAll(wishes)).done.images.data;
    const three = (await drawAll({ ...wishes, count: 3 })).done.images.data;
    const split = (await drawAll({ ...wishes, atOnce: 2 })).done.images;
    expect((await drawAll(wishes)).done.images.data).toEqual(five);
    expect(split.shape).toEqual([5, 1, 8, 8]);
    expect(relativeError(three, five.slice(0, three.length))).toBeLessThan(1e-5);
    expect(relativeError(split.data, five)).toBeLessThan(1e-5);
    const images = [0, 1, 2, 3, 4].map((i) => five.slice(64 * i, 64 * i + 64).join());
    expect(new Set(images).size).toBe(5);
    const other = (await drawAll({ ...wishes, seed: 3 })).done.images.data;
    expect(relativeError(other, five)).toBeGreaterThan(0.1);
  });

  it('says which images a frame holds where they are drawn in parts', async () => {
    const { events } = await drawAll({ ...WISHES, steps: 2, atOnce: 2 });
    const frames = events.flatMap((event) => (event.type === 'frame' ? [event] : []));
    expect(frames.map(({ first, xt, step }) => [first, xt.shape[0], step])).toEqual([
      [0, 2, 1],
      [0, 2, 2],
      [2, 2, 1],
      [2, 2, 2],
      [4, 1, 1],
      [4, 1, 2],
    ]);
    const progress = frames.map((frame) => frame.progress);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(1);
  });

  it('stops where it is told to, and gives back what it held', async () => {
    const { runtime, alive } = counting();
    const controller = new AbortController();
    const steps: number[] = [];
    const drain = async () => {
      for await (const event of sampleImages(runtime, model, WISHES, controller.signal)) {
        if (event.type === 'frame') steps.push(event.step);
        if (steps.length === 2) controller.abort();
        expect(alive()).toBe(event.type === 'frame' ? 1 : 0);
      }
    };
    await expect(drain()).rejects.toThrow(StoppedError);
    expect(steps).toEqual([1, 2]);
    expect(alive()).toBe(0);
  });

  it('gives back what it held where its reader leaves, and at its end', async () => {
    const { runtime, alive } = counting();
    for await (const event of sampleImages(runtime, model, WISHES)) {
      if (event.type === 'frame') break;
    }
    expect(alive()).toBe(0);
    await drawAll(WISHES, model, runtime);
    expect(alive()).toBe(0);
  });

  it('gives each class in turn, whatever the batch', async () => {
    const config: ModelConfig = {
      type: 'unet',
      config: smallUNet({
        sampleSize: 8,
        channels: 1,
        blockOutChannels: [4, 8],
        layersPerBlock: 1,
        attention: [false, false],
        numClassEmbeds: 3,
      }),
    };
    const layout = parametersOf(config);
    const weights = unpack(layout, initialise(layout, 1));
    const classy = { ...model, weights, pipeline: { ...model.pipeline, model: config } };
    const whole = (await drawAll(WISHES, classy)).done.images.data;
    const parts = (await drawAll({ ...WISHES, atOnce: 2 }, classy)).done.images.data;
    expect(relativeError(parts, whole)).toBeLessThan(1e-5);
    const denoiser = await createDenoiser(cpu, config, weights, 1);
    const settings = settingsFor(classy, WISHES);
    const { diffusion } = model;
    const images = await Promise.all(
      [0, 1, 2].map((label) =>
        sampleToEnd({ denoiser, diffusion, settings, first: 4, classes: [label] }),
      ),
    );
    await denoiser.dispose();
    const errors = images.map((image) => relativeError(whole.slice(4 * 64), image));
    expect(errors[4 % 3]).toBeLessThan(1e-5);
    expect(Math.min(errors[0]!, errors[2]!)).toBeGreaterThan(1e-3);
  });
});

describe('openModel', () => {
  it('reads a copy elsewhere, and names what is missing', async () => {
    const copy = scratch.at('copy');
    cpSync(PIPELINE, copy, { recursive: true });
    const opened = await openModel(copy);
    expect(opened.weights).toEqual(model.weights);
    await expect(openModel(scratch.at('absent'))).rejects.toThrow(UserError);
    await expect(openModel(scratch.path)).rejects.toThrow(UserError);
  });
});
