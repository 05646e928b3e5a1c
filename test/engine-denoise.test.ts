import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageBatch } from '../src/core/base/picture';
import { normals, Stream } from '../src/core/base/random';
import { addNoise } from '../src/core/diffusion/forward';
import { initialNoise } from '../src/core/diffusion/noise';
import { makeSchedule } from '../src/core/diffusion/schedule';
import { openModel, sampleImages } from '../src/core/sample/sampling-job';
import type { EngineClient } from '../src/engine/client';
import { pixelsOf } from '../src/engine/pixels';
import type { DenoiseRequest, FramePart, ModelFacts } from '../src/engine/protocol';
import { EngineScratch, failureOf, state, told } from './support/engine';
import { cpu } from './support/values';

let scratch: EngineScratch;
let client: EngineClient;
let run: string;
let facts: ModelFacts;

beforeAll(async () => {
  scratch = await EngineScratch.build();
  ({ client } = await scratch.start());
  const finished = state(client, 'finished');
  run = (await client.request('train', scratch.request())).run!;
  await finished;
  facts = await client.request('modelFacts', { model: run });
});
afterAll(async () => {
  await scratch.endAll();
  scratch.remove();
});

const COUNT = 3;
const SEED = 7;

function noise(): Float32Array {
  const batch = { seed: SEED, firstSample: 0, sampleSize: 64 };
  return initialNoise(batch, new Float32Array(COUNT * 64));
}

function request(changes: Partial<DenoiseRequest> = {}): DenoiseRequest {
  return {
    job: 'back',
    model: run,
    xt: noise(),
    shape: [COUNT, 1, 8, 8],
    t: facts.schedule.timesteps - 1,
    schedule: facts.schedule,
    seed: SEED,
    solver: 'ddim',
    steps: 6,
    device: 'cpu',
    ...changes,
  };
}

async function keptOf(job: string, part: FramePart) {
  const { frames } = await client.request('frames', { job, part, steps: [1, 2, 3, 4, 5, 6] });
  return frames;
}

describe('modelFacts', () => {
  it('says what a model takes, of a run and of its checkpoint', async () => {
    expect(facts).toEqual({
      model: run,
      width: 8,
      height: 8,
      channels: 1,
      schedule: expect.objectContaining({ timesteps: 50, zeroTerminalSnr: false }),
      solver: { own: 'ddpm', taken: 'ddim' },
    });
    expect(facts.schedule).not.toHaveProperty('prediction');
    const { checkpoints } = (await client.request('listRuns', { folder: scratch.runs }))[0]!;
    const model = checkpoints[0]!.path;
    expect(await client.request('modelFacts', { model })).toEqual({ ...facts, model });
  });

  it('says in a sentence what is no model', async () => {
    const { kind, message } = await failureOf(
      client.request('modelFacts', { model: scratch.at('absent') }),
    );
    expect(kind).toBe('user');
    expect(message).toContain('does not exist');
  });
});

describe('denoise', () => {
  it('from the noise of a sampling gives its images and all its steps, byte for byte', async () => {
    const sampling = { job: 'whole', model: run, count: COUNT, seed: SEED, device: 'cpu' } as const;
    const wishes = { solver: 'ddim', steps: 6, spacing: 'trailing' } as const;
    const whole = await client.request('sample', { ...sampling, ...wishes });
    const back = await client.request('denoise', request());
    expect(back.images).toEqual(whole.images);
    expect(back.settings).toEqual({ ...whole.settings, from: 49 });
    for (const part of ['xt', 'x0', 'eps'] as const) {
      expect(await keptOf('back', part)).toEqual(await keptOf('whole', part));
    }
  });

  it('gives a self-conditioned model its own estimates, as the core does', async () => {
    const model = path.resolve(import.meta.dirname, 'fixtures/self-condition/pipeline');
    const { schedule, channels } = await client.request('modelFacts', { model });
    expect(channels).toBe(1);
    const how = { seed: SEED, solver: 'ddim', steps: 5 } as const;
    const wishes = { ...how, count: COUNT, spacing: 'trailing', guidance: 0 } as const;
    let drawn: ImageBatch | null = null;
    for await (const event of sampleImages(cpu, await openModel(model), wishes)) {
      if (event.type === 'done') drawn = event.images;
    }
    const expected = pixelsOf(drawn!);
    const onCpu = { model, job: 'own', device: 'cpu' } as const;
    expect((await client.request('sample', { ...wishes, ...onCpu })).images).toEqual(expected);
    const back = { ...how, ...onCpu, xt: noise(), shape: [COUNT, 1, 8, 8], t: 999 } as const;
    const { images } = await client.request('denoise', { ...back, schedule });
    expect(images).toEqual(expected);
  });

  it('sees in one step what the model predicts at t: the noise itself is in it', async () => {
    const schedule = makeSchedule(facts.schedule);
    const clean = normals({ seed: 1, stream: Stream.noise, index: 0 }, new Float32Array(64));
    const x0 = clean.map((x) => Math.tanh(x));
    const eps = noise().slice(0, 64);
    const seen = async (t: number) => {
      const xt = addNoise(schedule, x0, eps, t);
      const asked = request({ xt, shape: [1, 1, 8, 8], t, steps: 1 });
      const { images } = await client.request('denoise', asked);
      const { frames, kept } = await client.request('frames', {
        job: 'back',
        part: 'x0',
        steps: [1],
      });
      expect(kept).toEqual([{ step: 1, t }]);
      expect(frames[0]!.pixels).toEqual(images);
      return images.data;
    };
    // With hardly any noise in it, what the model sees is the image, whatever it has learnt.
    const near = await seen(0);
    near.forEach((byte, i) => {
      expect(Math.abs(byte - Math.min(255, Math.max(0, 127.5 * (x0[i]! + 1))))).toBeLessThan(20);
    });
    expect([...(await seen(45))]).not.toEqual([...near]);
  });

  it('tells its last step always', async () => {
    const last = told(client, 'frame', ({ job, step }) => job === 'told' && step === 6);
    const { images } = await client.request('denoise', request({ job: 'told' }));
    expect(await last).toMatchObject({ first: 0, steps: 6, progress: 1, xt: images });
  });

  it('stops where it is told to, and keeps nothing of it', async () => {
    const stop = new AbortController();
    const many = { xt: new Float32Array(64 * 64), shape: [64, 1, 8, 8] } as const;
    const asked = request({ job: 'stopped', solver: 'ddpm', steps: 50, ...many });
    const failure = failureOf(client.request('denoise', asked, { signal: stop.signal }));
    stop.abort();
    expect((await failure).kind).toBe('stopped');
    expect((await client.request('denoise', request())).images.count).toBe(COUNT);
    expect((await failureOf(keptOf('stopped', 'xt'))).message).toContain('no longer kept');
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['xt has 5 numbers; with shape 3, 1, 8, 8 give 192.', { xt: new Float32Array(5) }],
    ['with 3 channels', { xt: new Float32Array(3 * 3 * 64), shape: [3, 3, 8, 8] }],
    ['steps is 6: from timestep 3 give a whole number from 1 to 4.', { t: 3 }],
    ['The timestep to denoise from is 50; the model has the timesteps 0 to 49.', { t: 50 }],
    ['eta is for the ddim solver', { solver: 'ddpm', eta: 0.5 }],
    ['xt', { xt: [1, 2] }],
  ])('refuses in a sentence: %s', async (expected, changes) => {
    const asked = request(changes as Partial<DenoiseRequest>);
    const { kind, message } = await failureOf(client.request('denoise', asked));
    expect(kind).toBe('user');
    expect(message).toContain(expected);
  });

  it('refuses images that another schedule has noised', async () => {
    const schedule = { ...facts.schedule, kind: 'sigmoid', betaEnd: 0.5 } as const;
    const { kind, message } = await failureOf(client.request('denoise', request({ schedule })));
    expect(kind).toBe('user');
    expect(message).toContain('noised by another schedule');
  });
});
