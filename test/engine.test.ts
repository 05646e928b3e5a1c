import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EngineScratch, state, told } from './support/engine';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

describe('the engine', () => {
  it('trains, tells how it goes, samples and ends', async () => {
    const { client, pid, exited } = await scratch.start();
    expect(client.info).toMatchObject({ pid, training: null });
    const finished = state(client, 'finished');
    const noted = told(client, 'checkpoint', ({ step }) => step === 6);
    const status = await client.request('train', scratch.request());
    expect(status).toMatchObject({ state: 'running', step: 0, steps: 6, device: 'cpu, 1 thread' });
    expect(await finished).toMatchObject({ step: 6, run: status.run });
    expect(await noted).toMatchObject({ run: status.run, step: 6 });
    const [run] = await client.request('listRuns', { folder: scratch.runs });
    expect(run).toMatchObject({ path: status.run, status: 'finished', step: 6, isOurs: false });
    expect(run!.checkpoints.map(({ step, fault }) => [step, fault])).toEqual([
      [6, null],
      [3, null],
    ]);
    const result = await client.request('sample', {
      job: 'a',
      model: status.run!,
      count: 3,
      seed: 1,
      solver: 'ddim',
      steps: 4,
      device: 'cpu',
    });
    expect(result.images).toMatchObject({ count: 3, height: 8, width: 8, channels: 1 });
    expect(result.images.data).toHaveLength(3 * 64);
    await client.request('shutdown', undefined);
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await scratch.find()).toBeNull();
  });
});
