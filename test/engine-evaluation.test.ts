import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RunDirectory } from '../src/core/checkpoint/run-directory';
import { EngineScratch, failureOf, lossesOf, told } from './support/engine';

const ENDLESS = { steps: 1_000_000, checkpointEvery: 0, previewEvery: 0 };
const SAMPLES = 100;

let scratch: EngineScratch;
let dataset: string;

beforeAll(async () => {
  scratch = await EngineScratch.build();
  dataset = scratch.at('greys');
  mkdirSync(dataset);
  for (let i = 0; i < 120; i++) {
    const create = { width: 8, height: 8, channels: 3, background: `rgb(${i},${i},${i})` } as const;
    await sharp({ create })
      .png()
      .toFile(path.join(dataset, `${i}.png`));
  }
});
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

it('tells what an evaluation costs, evaluates a running training, and holds it in the midst', async () => {
  const { client } = await scratch.start();
  const { run, evaluation } = await client.request('train', scratch.request(ENDLESS, { dataset }));
  expect(evaluation).toEqual({ every: 0, samples: 200, cost: null, running: null });
  await told(client, 'training', ({ step }) => step > 0);
  const cost = await client.request('evaluationCost', { samples: SAMPLES });
  expect(cost.samples).toBe(SAMPLES);
  for (const seconds of [cost.secondsOnce, cost.secondsEach, cost.secondsPerStep]) {
    expect(seconds).toBeGreaterThan(0);
  }
  expect((await client.request('follow', { run: run! })).evaluations).toEqual([]);
  const evaluating = told(client, 'training', (status) => status.evaluation!.running !== null);
  const evaluated = told(client, 'metrics', ({ evaluations = [] }) => evaluations.length > 0);
  const wish = { every: 5, samples: SAMPLES };
  expect(await client.request('evaluateEvery', wish)).toMatchObject({ evaluation: wish });
  expect((await evaluating).state).toBe('running');
  expect((await client.request('pause', undefined)).state).toBe('paused');
  await client.request('unpause', undefined);
  const [first] = (await evaluated).evaluations!;
  expect(first).toMatchObject({ samples: SAMPLES, frechetHeldOut: null, classAccuracy: null });
  expect(first!.step % 5).toBe(0);
  expect(first!.frechet).toBeGreaterThan(0);
  const off = await client.request('evaluateEvery', { ...wish, every: 0 });
  expect(off.evaluation!.every).toBe(0);
  const { step } = await client.request('stop', undefined);
  expect(await lossesOf(run!)).toHaveLength(step);
  const { evaluations } = await client.request('follow', { run: run! });
  expect(evaluations[0]!.step).toBe(first!.step);
  const { record } = await RunDirectory.open(run!);
  expect(record.config.training).toMatchObject({ evaluateEvery: 0, evaluateCount: SAMPLES });
});

it('refuses in a sentence what cannot be', async () => {
  const { client } = await scratch.start();
  const none = await failureOf(client.request('evaluationCost', { samples: SAMPLES }));
  expect(none.message).toMatch(/^There is no training that could be evaluated; start or resume/);
  await client.request('train', scratch.request(ENDLESS, { dataset }));
  const few = await failureOf(client.request('evaluateEvery', { every: 5, samples: 3 }));
  expect(few).toMatchObject({ kind: 'user', message: expect.stringContaining('samples') });
  await client.request('stop', undefined);
});
