import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../src/engine/client';
import { EngineScratch, SLOW_BATCH, state, told } from './support/engine';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

/** Far below a step, and far above what an answer takes while other programs want the cores. */
const SOON_MS = 300;

/** So many images that a step is slow on this machine; found by the first training. */
let batchSize = SLOW_BATCH;

/** Starts a training whose steps are far slower than an answer may be, and settles after the first. */
async function trainSlowly(client: EngineClient): Promise<string> {
  for (;;) {
    const { run } = await client.request('train', scratch.slowRequest(batchSize));
    const { stepsPerSecond } = await told(client, 'training', ({ step }) => step >= 1);
    const stepMs = 1000 / stepsPerSecond!;
    if (stepMs > 2 * SOON_MS) return run!;
    await client.request('stop', undefined);
    batchSize = Math.ceil((batchSize * 3 * SOON_MS) / stepMs);
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('while a step of a training takes a second', () => {
  it('the engine answers at once', async () => {
    const { client } = await scratch.start();
    const other = await scratch.attach();
    const run = await trainSlowly(client);
    const lists: number[] = [];
    const previews: number[] = [];
    const histories: number[] = [];
    for (let i = 0; i < 7; i++) {
      lists.push(await timed(() => other.request('listRuns', { folder: scratch.runs })));
      previews.push(await timed(() => other.request('previews', { run, steps: [1] })));
      histories.push(await timed(() => other.request('follow', { run })));
    }
    expect(median(lists)).toBeLessThan(SOON_MS);
    expect(median(previews)).toBeLessThan(SOON_MS);
    expect(median(histories)).toBeLessThan(SOON_MS);
  });

  it('a stop is seen by all windows at once', async () => {
    const { client } = await scratch.start();
    const other = await scratch.attach();
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      await trainSlowly(client);
      const stopping = state(other, 'stopping');
      let stopped: Promise<unknown> = Promise.resolve();
      const start = () => {
        stopped = client.request('stop', undefined);
        return stopping;
      };
      seen.push(await timed(start));
      expect(await stopped).toMatchObject({ state: 'stopped' });
    }
    expect(median(seen)).toBeLessThan(SOON_MS);
  });
});
