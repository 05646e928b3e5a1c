import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cpu, drawn } from '../../../test/support/values';
import { StoppedError, UserError } from '../base/errors';
import { addNoise } from '../diffusion/forward';
import { initialNoise } from '../diffusion/noise';
import { makeSchedule } from '../diffusion/schedule';
import type { Denoiser } from './denoiser';
import { denoiseImages, type DenoisingWishes, type NoisedStart } from './denoising-job';
import { sample, sampleFrom, type SampleFrame, type SamplingSettings } from './sampler';
import { openModel, sampleImages, type SampledModel, type SamplingEvent } from './sampling-job';

const PIPELINE = path.resolve(__dirname, '../../../test/fixtures/sample/pipeline');

async function all<T>(events: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const event of events) list.push(event);
  return list;
}

describe('sampleFrom', () => {
  const schedule = makeSchedule({ kind: 'cosine', timesteps: 100 });
  const image = drawn([32]).map((x) => Math.tanh(x));
  /** It knows the only images that there are, so the noise that it finds is exact. */
  const denoiser: Denoiser = {
    signature: {
      channels: 1,
      height: 4,
      width: 4,
      classes: null,
      needsPositiveTime: false,
      selfCondition: false,
    },
    batchSize: 2,
    predict: async (xt, t) => {
      const bar = schedule.alphaBars[t]!;
      return xt.map((x, i) => (x - Math.sqrt(bar) * image[i]!) / Math.sqrt(1 - bar));
    },
    dispose: async () => undefined,
  };
  const diffusion = { schedule, prediction: 'eps' } as const;
  const settings: SamplingSettings = {
    solver: 'ddim',
    steps: 8,
    spacing: 'trailing',
    eta: 0,
    variance: 'fixed_small',
    clip: false,
    seed: 3,
  };
  const noise = initialNoise({ seed: 9, firstSample: 0, sampleSize: 16 }, new Float32Array(32));

  it.each([
    [0, 1],
    [7, 8],
    [40, 1],
    [40, 8],
    [99, 8],
  ])('finds the images whose noise is known exactly: t = %d, %d steps', async (t, steps) => {
    const xt = addNoise(schedule, image, noise, t);
    const request = { denoiser, diffusion, settings: { ...settings, steps } };
    const frames = await all(sampleFrom({ xt, t }, request));
    expect(frames).toHaveLength(steps);
    expect(frames[0]!.t).toBe(t);
    frames.at(-1)!.xt.forEach((x, i) => expect(x).toBeCloseTo(image[i]!, 4));
    expect(xt).toEqual(addNoise(schedule, image, noise, t));
  });

  it('walks through the very x_t of the forward process on its way', async () => {
    const xt = addNoise(schedule, image, noise, 60);
    const frames = await all(sampleFrom({ xt, t: 60 }, { denoiser, diffusion, settings }));
    for (const [i, frame] of frames.slice(0, -1).entries()) {
      const there = addNoise(schedule, image, noise, frames[i + 1]!.t);
      frame.xt.forEach((x, j) => expect(x).toBeCloseTo(there[j]!, 4));
    }
  });

  it.each(['ddim', 'ddpm'] as const)(
    'from noise at the last timestep is a whole sampling, bit for bit: %s',
    async (solver) => {
      const request = { denoiser, diffusion, settings: { ...settings, solver, eta: 0.5 } };
      const batch = { seed: settings.seed, firstSample: 0, sampleSize: 16 };
      const xt = initialNoise(batch, new Float32Array(32));
      const whole: SampleFrame[] = await all(sample(request));
      expect(await all(sampleFrom({ xt, t: 99 }, request))).toEqual(whole);
      expect(whole).toHaveLength(8);
    },
  );

  it('refuses before the first step what does not fit t', async () => {
    const run = sampleFrom({ xt: noise, t: 5 }, { denoiser, diffusion, settings });
    await expect(run.next()).rejects.toThrow('steps is 8: from timestep 5');
    const beyond = sampleFrom({ xt: noise, t: 100 }, { denoiser, diffusion, settings });
    await expect(beyond.next()).rejects.toThrow(UserError);
  });
});

describe('denoiseImages', () => {
  let model: SampledModel;
  beforeAll(async () => {
    model = await openModel(PIPELINE);
  });
  const WISHES: DenoisingWishes = { seed: 2, solver: 'ddim', steps: 4 };

  function noised(changes: Partial<NoisedStart> = {}): NoisedStart {
    const batch = { seed: 2, firstSample: 0, sampleSize: 64 };
    const data = initialNoise(batch, new Float32Array(128));
    const { schedule } = model.diffusion;
    return { images: { data, shape: [2, 1, 8, 8] }, t: 49, schedule, ...changes };
  }

  it('from the noise of a sampling gives its images, bit for bit', async () => {
    const wishes = { ...WISHES, count: 2, spacing: 'trailing' } as const;
    const whole = await all(sampleImages(cpu, model, wishes));
    const rest = await all(denoiseImages(cpu, model, noised(), WISHES));
    const plain = (events: readonly SamplingEvent[]) =>
      events.map((event) => (event.type === 'done' ? event.images : event));
    expect(plain(rest)).toEqual(plain(whole));
  });

  it('takes as many steps as the solver does by itself from there', async () => {
    const { seed, solver } = WISHES;
    const events = await all(denoiseImages(cpu, model, noised({ t: 6 }), { seed, solver }));
    expect(events).toHaveLength(7 + 1);
  });

  it('leaves what it was given as it is, and stops where it is told to', async () => {
    const stop = new AbortController();
    const start = noised();
    const before = start.images.data.slice();
    const steps: number[] = [];
    const drain = async () => {
      for await (const event of denoiseImages(cpu, model, start, WISHES, stop.signal)) {
        if (event.type === 'frame') steps.push(event.step);
        stop.abort();
      }
    };
    await expect(drain()).rejects.toThrow(StoppedError);
    expect(steps).toEqual([1]);
    expect(start.images.data).toEqual(before);
  });

  it('refuses what the model was not made for', async () => {
    const refused = (start: NoisedStart, wishes = WISHES) =>
      expect(all(denoiseImages(cpu, model, start, wishes))).rejects;
    const data = new Float32Array(3 * 64);
    const colour = { data, shape: [1, 3, 8, 8] } as const;
    await refused(noised({ images: colour })).toThrow(/8 × 8 with 3 channels.* 8 × 8 with 1;/);
    const other = makeSchedule({ kind: 'sigmoid', timesteps: 50 });
    await refused(noised({ schedule: other })).toThrow(/another schedule/);
    await refused(noised({ t: 2 })).toThrow(/steps is 4: from timestep 2/);
  });
});
