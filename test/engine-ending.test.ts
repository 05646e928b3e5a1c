import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EngineClient } from '../src/engine/client';
import type { TrainingStatus } from '../src/engine/protocol';
import { EngineScratch, failureOf, state, told } from './support/engine';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

/** Trains with steps of a second, and settles in the middle of one. */
async function trainSlowly(client: EngineClient): Promise<string> {
  const { run } = await client.request('train', scratch.slowRequest());
  await told(client, 'training', ({ step }) => step >= 1);
  return run!;
}

/** A window that opens when the engine has begun to end its training. */
async function openWhileStopping(): Promise<EngineClient> {
  for (;;) {
    const window = await scratch.attach('stop');
    if (window.info.training?.state === 'stopping') return window;
    // It was quicker than the engine, which has not yet seen the other one go.
    window.dispose();
  }
}

const closing = (client: EngineClient) => new Promise<void>((done) => client.onClosed(done));

describe('a window that opens while a training is being ended', () => {
  it('because nobody was there sees it end, and keeps the engine', async () => {
    const { client, pid, exited } = await scratch.start('stop');
    const run = await trainSlowly(client);
    client.dispose();
    const window = await openWhileStopping();
    expect(window.info).toMatchObject({ pid, training: { run } });
    const { step } = await state(window, 'stopped');
    const [summary] = await window.request('listRuns', { folder: scratch.runs });
    expect(summary).toMatchObject({ path: run, status: 'stopped', step });
    expect(summary!.checkpoints[0]).toMatchObject({ step, fault: null });
    expect(await window.request('resume', { from: run, changes: {} })).toMatchObject({ run, step });
    expect((await scratch.find())!.pid).toBe(pid);
    window.dispose();
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await scratch.find()).toBeNull();
  });

  it('for good sees it end, begins no other, and is told that the engine ends', async () => {
    const { client, exited } = await scratch.start('stop');
    const run = await trainSlowly(client);
    const seen: Promise<unknown>[] = [told(client, 'ending'), closing(client)];
    const end = client.request('shutdown', undefined);
    const window = await openWhileStopping();
    const states: TrainingStatus['state'][] = [];
    window.on('training', ({ run: of, state: now }) => void (of === run && states.push(now)));
    seen.push(told(window, 'ending'), closing(window));
    const refused = await failureOf(window.request('train', scratch.request()));
    expect(refused).toMatchObject({ kind: 'user', message: expect.stringMatching(/is ending/) });
    await end;
    await Promise.all(seen);
    expect(states.at(-1)).toBe('stopped');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await scratch.find()).toBeNull();
  });

  it('by a signal is told so, and an engine that nobody needs ends as before', async () => {
    const { client, pid, exited } = await scratch.start('stop');
    const seen = [told(client, 'ending'), closing(client)];
    process.kill(pid, 'SIGTERM');
    await Promise.all(seen);
    expect(await exited).toEqual({ code: 0, signal: null });
  });
});
