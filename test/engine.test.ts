import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readMetrics } from '../src/core/checkpoint/metrics';
import { EngineClient, EngineError, tailOfLog } from '../src/engine/client';
import { PROTOCOL_VERSION, type TrainingStatus } from '../src/engine/protocol';
import { connectionOn } from '../src/engine/wire';
import { EngineScratch, failureOf, lossesOf, state, told } from './support/engine';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

/** Steps that no test waits for. */
const ENDLESS = { steps: 1_000_000, previewEvery: 0, checkpointEvery: 0 };

describe('the engine', () => {
  it('trains, tells how it goes, and ends when it is told to', async () => {
    const { client, pid, exited } = await scratch.start();
    expect(client.info).toMatchObject({ pid, training: null });
    expect(statSync(scratch.recordFile).mode & 0o777).toBe(0o600);
    const finished = state(client, 'finished');
    const noted = told(client, 'checkpoint', ({ step }) => step === 6);
    const status = await client.request('train', scratch.request());
    expect(status).toMatchObject({ state: 'running', step: 0, steps: 6, device: 'cpu, 1 thread' });
    expect(await finished).toMatchObject({
      step: 6,
      run: status.run,
      name: path.basename(status.run!),
      dataset: expect.stringContaining('digits') as string,
      deviceReason: 'as asked for',
      lastCheckpoint: { step: 6, run: status.run },
      message: null,
    });
    expect(await noted).toMatchObject({ run: status.run, step: 6 });
    const [run] = await client.request('listRuns', { folder: scratch.runs });
    expect(run).toMatchObject({ path: status.run, status: 'finished', step: 6, isOurs: false });
    expect(run!.checkpoints.map(({ step, fault }) => [step, fault])).toEqual([
      [6, null],
      [3, null],
    ]);
    const history = await client.request('follow', { run: status.run! });
    const { lines } = await readMetrics(path.join(status.run!, 'metrics.jsonl'));
    expect([...history.columns.step]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(history.columns.loss).toEqual(Float32Array.from(lines, ({ loss }) => loss!));
    expect(history.columns.lossByTimestep).toHaveLength(6 * history.columns.timestepParts);
    expect(history.previewSteps).toEqual([3, 6]);
    await client.request('shutdown', undefined);
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await scratch.find()).toBeNull();
    expect(client.isClosed).toBe(true);
  });

  it('holds, saves, goes on and stops as it is told, with the losses of an unheld run', async () => {
    const { client } = await scratch.start();
    const request = scratch.request(ENDLESS);
    const { run } = await client.request('train', request);
    expect(await client.request('pause', undefined)).toMatchObject({ state: 'paused', run });
    const held = await client.request('checkpointNow', undefined);
    expect(held).toMatchObject({ run });
    expect(await client.request('unpause', undefined)).toMatchObject({ state: 'running' });
    const at = await client.request('pause', undefined);
    expect(at.step).toBeGreaterThanOrEqual(held.step);
    const stopped = await client.request('stop', undefined);
    expect(stopped).toMatchObject({ state: 'stopped', step: at.step, run });
    const [summary] = await client.request('listRuns', { folder: scratch.runs });
    expect(summary).toMatchObject({ path: run, status: 'stopped', step: at.step });
    await client.request('resume', { from: run!, changes: {} });
    await told(client, 'training', ({ step }) => step >= at.step + 20);
    const { step } = await client.request('stop', undefined);
    const losses = await lossesOf(run!);
    expect(losses).toHaveLength(step);
    const unheld = await client.request('train', request);
    await told(client, 'training', (status) => status.run === unheld.run && status.step >= step);
    await client.request('stop', undefined);
    expect((await lossesOf(unheld.run!)).slice(0, step)).toEqual(losses);
  });

  it('tells a follower every row, as the file has them, and the previews', async () => {
    const { client } = await scratch.start();
    const { run } = await client.request('train', scratch.request({ steps: 60 }));
    const { columns, previewSteps } = await client.request('follow', { run: run! });
    const losses = new Map([...columns.step].map((step, i) => [step, columns.loss[i]!]));
    const previews: number[] = [];
    client.on('preview', ({ step, pixels }) => {
      expect(pixels).toMatchObject({ count: 4, width: 8, height: 8, channels: 1 });
      previews.push(step);
    });
    client.on('metrics', (delta) => {
      delta.columns.step.forEach((step, i) => losses.set(step, delta.columns.loss[i]!));
    });
    const finished = state(client, 'finished');
    const lastPreview = told(client, 'preview', ({ step }) => step === 60);
    await told(client, 'metrics', ({ columns: c }) => c.step.at(-1) === 60);
    await finished;
    expect([...losses.keys()]).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect([...losses.values()]).toEqual((await lossesOf(run!)).map(Math.fround));
    const shown = await client.request('previews', { run: run!, steps: [3, 60, 61] });
    expect(shown.map(({ step }) => step)).toEqual([3, 60]);
    await lastPreview;
    const all = Array.from({ length: 20 }, (_, i) => 3 * (i + 1));
    expect([...new Set([...previewSteps, ...previews])].sort((a, b) => a - b)).toEqual(all);
  });
});

describe('a window', () => {
  async function refusedWith(hello: object, method = 'hello'): Promise<string> {
    const { address } = (await scratch.find())!;
    const socket = await new Promise<Socket>((resolve) => {
      const opened = connect(address, () => resolve(opened));
    });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const connection = connectionOn(socket);
    connection.listen();
    const answer = connection.sendRequest(method, hello);
    const message = await answer.then(
      () => 'accepted',
      (error: Error) => error.message,
    );
    await closed;
    return message;
  }

  it('is refused, and its connection closed, with a wrong version, token or first word', async () => {
    const { client } = await scratch.start();
    const hello = { protocol: PROTOCOL_VERSION, token: 'guessed', whenWindowCloses: 'stop' };
    expect(await refusedWith(hello)).toMatch(/^The token of the window is not that of the engine/);
    expect(await refusedWith({ ...hello, protocol: 99 })).toMatch(
      new RegExp(`version ${PROTOCOL_VERSION} .* version 99; reload`),
    );
    expect(await refusedWith({ folder: '/' }, 'listRuns')).toMatch(/has to say hello first/);
    expect(await refusedWith({})).toMatch(/version undefined/);
    expect(client.isClosed).toBe(false);
    await expect(scratch.attach('never' as 'stop')).rejects.toThrow(
      'whenWindowCloses is "never"; it must be stop or continue.',
    );
  });

  it('is told that the engine is gone, whatever it waited for', async () => {
    const { client, pid, exited } = await scratch.start();
    const { run } = await client.request('train', scratch.request(ENDLESS));
    await told(client, 'training', ({ step }) => step > 3);
    const saved = await client.request('checkpointNow', undefined);
    await told(client, 'training', ({ step }) => step > saved.step + 3);
    const pending = [
      client.request('sample', {
        job: 'long',
        model: run!,
        count: 4000,
        seed: 0,
        solver: 'ddpm',
        device: 'cpu',
      }),
      client.request('devices', undefined),
    ];
    const failures = Promise.all(pending.map(failureOf));
    const closed = new Promise<void>((resolve) => client.onClosed(resolve));
    process.kill(pid, 'SIGKILL');
    for (const failure of await failures) expect(failure).toMatchObject({ kind: 'gone' });
    await closed;
    expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await failureOf(client.request('pause', undefined))).toMatchObject({ kind: 'gone' });

    // The next engine finds the run as the crash left it, and goes on from its last checkpoint.
    expect(await scratch.find()).toBeNull();
    const { client: next } = await scratch.start();
    const [summary] = await next.request('listRuns', { folder: scratch.runs });
    expect(summary).toMatchObject({ path: run, status: 'interrupted' });
    const steps = saved.step + 30;
    const finished = state(next, 'finished');
    const resumed = await next.request('resume', { from: run!, changes: { steps } });
    expect(resumed).toMatchObject({ run, step: saved.step });
    await finished;
    const again = await lossesOf(run!);
    expect(again).toHaveLength(steps);
    const uninterrupted = await next.request('train', scratch.request({ ...ENDLESS }));
    await told(next, 'training', ({ step }) => step >= steps);
    await next.request('stop', undefined);
    expect((await lossesOf(uninterrupted.run!)).slice(0, saved.step)).toEqual(
      again.slice(0, saved.step),
    );
  });

  it('that is the last one to close takes training and engine along, with a checkpoint', async () => {
    const { client, exited } = await scratch.start('stop');
    const { run } = await client.request('train', scratch.request(ENDLESS));
    await told(client, 'training', ({ step }) => step > 2);
    client.dispose();
    expect(await exited).toEqual({ code: 0, signal: null });
    const { client: next } = await scratch.start();
    const [summary] = await next.request('listRuns', { folder: scratch.runs });
    expect(summary).toMatchObject({ path: run, status: 'stopped' });
    expect(summary!.checkpoints).toMatchObject([{ step: summary!.step, fault: null }]);
  });

  it('may leave a training to itself, and another finds and controls it', async () => {
    const { client, pid } = await scratch.start('continue');
    const { run } = await client.request('train', scratch.request(ENDLESS));
    const seen = await told(client, 'training', ({ step }) => step > 2);
    client.dispose();
    const window = await scratch.attach('stop');
    expect(window.info.pid).toBe(pid);
    expect(window.info.training).toMatchObject({ run, state: 'running' });
    const further = await told(window, 'training', ({ step }) => step > seen.step + 5);
    expect(further).toMatchObject({ run, state: 'running' });
    const { summary, columns } = await window.request('follow', { run: run! });
    expect(summary).toMatchObject({ status: 'running', isOurs: true });
    expect(columns.step[0]).toBe(1);
    expect(columns.step.length).toBe(columns.step.at(-1));
    expect(await window.request('pause', undefined)).toMatchObject({ state: 'paused' });
    expect(await window.request('stop', undefined)).toMatchObject({ state: 'stopped' });
    window.dispose();
  });

  it('that left a training to itself need not come back: the engine ends after it', async () => {
    const { client, exited } = await scratch.start('continue');
    const { run } = await client.request('train', scratch.request({ steps: 200, previewEvery: 0 }));
    client.dispose();
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await lossesOf(run!)).toHaveLength(200);
    expect(await scratch.find()).toBeNull();
  });

  it('sees what another one starts, and does not take it along', async () => {
    const { client } = await scratch.start('continue');
    const other = await scratch.attach('stop');
    const running = state(other, 'running');
    const { run } = await client.request('train', scratch.request(ENDLESS));
    expect(await running).toMatchObject({ run });
    other.dispose();
    await told(client, 'training', ({ step }) => step > 5);
    expect(await client.request('stop', undefined)).toMatchObject({ state: 'stopped' });
  });

  it('that does not read slows nothing down', async () => {
    const { client } = await scratch.start();
    const stalled = await scratch.attach();
    // Previews of 16 KB, up to 15 a second: what the system holds back for a reader is soon full.
    const often = { previewEvery: 2, previewCount: 256, previewSteps: 1 };
    const { run } = await client.request('train', scratch.request({ ...ENDLESS, ...often }));
    await stalled.request('follow', { run: run! });
    const paused = stalled.socket.pause();
    const before = await told(client, 'training', ({ step }) => step > 50);
    const after = await told(client, 'training', ({ seconds }) => seconds > before.seconds + 5);
    expect(after.memory - before.memory).toBeLessThan(60e6);
    expect(paused.bytesRead).toBeLessThan(after.step * 0.5 * 256 * 64);
    const rows = new Set<number>();
    const whole = new Promise<void>((resolve) => {
      stalled.on('metrics', ({ columns }) => {
        columns.step.forEach((step) => rows.add(step));
        if (rows.size >= after.step) resolve();
      });
    });
    stalled.socket.resume();
    await whole;
    expect(Math.max(...rows)).toBe(rows.size);
    await client.request('stop', undefined);
  });
});

describe('an engine that is asked to end', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('by %s saves first', async (signal) => {
    const { client, pid, exited } = await scratch.start();
    const { run } = await client.request('train', scratch.request(ENDLESS));
    await told(client, 'training', ({ step }) => step > 2);
    const stopping = told(client, 'training', ({ state: s }) => s !== 'running').catch(() => null);
    process.kill(pid, signal);
    expect(await exited).toEqual({ code: 0, signal: null });
    await stopping;
    const record = JSON.parse(readFileSync(path.join(run!, 'run.json'), 'utf8')) as {
      status: string;
      progress: { step: number };
    };
    expect(record.status).toBe('stopped');
    expect(await scratch.find()).toBeNull();
  });

  it('by a fault of its own says so in log, record and exit code', async () => {
    const engine = JSON.stringify(scratch.at('dist', 'engine.js'));
    const fault = `process.on('SIGUSR2', () => { throw new Error('a driver broke'); });`;
    const { client, pid, exited } = await scratch.startWith(`${fault} require(${engine});`);
    const { run } = await client.request('train', scratch.request(ENDLESS));
    const gone = failureOf(client.request('devices', undefined));
    process.kill(pid, 'SIGUSR2');
    expect(await exited).toEqual({ code: 1, signal: null });
    expect((await gone).kind).toBe('gone');
    expect(await tailOfLog(scratch.at('log', 'other.log'))).toMatch(
      /The engine failed: Error: a driv/,
    );
    const { client: next } = await scratch.start();
    const [summary] = await next.request('listRuns', { folder: scratch.runs });
    const message = 'The engine failed: a driver broke';
    expect(summary).toMatchObject({ path: run, status: 'failed', message });
  });

  it('by a fault of the thread that computes says so as well', async () => {
    const compute = scratch.at('faulty-compute.cjs');
    const real = JSON.stringify(scratch.at('dist', 'engine-compute.js'));
    const fault = `new BroadcastChannel('fault').onmessage = () => { throw new Error('a driver broke'); };`;
    writeFileSync(compute, `${fault} require(${real});`);
    const { client, pid, exited } = await scratch.startWith(`
      const threads = require('node:worker_threads');
      const { Worker } = threads;
      threads.Worker = class extends Worker {
        constructor(file, options) {
          super(/engine-compute/.test(file) ? ${JSON.stringify(compute)} : file, options);
        }
      };
      process.on('SIGUSR2', () => new BroadcastChannel('fault').postMessage('now'));
      require(${JSON.stringify(scratch.at('dist', 'engine.js'))});`);
    const { run } = await client.request('train', scratch.request(ENDLESS));
    await told(client, 'training', ({ step }) => step > 2);
    const gone = failureOf(client.request('devices', undefined));
    process.kill(pid, 'SIGUSR2');
    expect(await exited).toEqual({ code: 1, signal: null });
    expect((await gone).kind).toBe('gone');
    expect(await tailOfLog(scratch.at('log', 'other.log'))).toMatch(
      /The engine failed: Error: a driver broke\n +at .*faulty-compute/,
    );
    const { client: next } = await scratch.start();
    const runs = await next.request('listRuns', { folder: scratch.runs });
    const message = 'The engine failed: a driver broke';
    expect(runs.find(({ path: at }) => at === run)).toMatchObject({ status: 'failed', message });
  });

  it('while it samples, ends', async () => {
    const { client, pid, exited } = await scratch.start();
    const finished = state(client, 'finished');
    const { run } = await client.request('train', scratch.request());
    await finished;
    const long = { job: 'long', count: 4000, seed: 0, solver: 'ddpm', device: 'cpu' } as const;
    const sampling = failureOf(client.request('sample', { ...long, model: run! }));
    await told(client, 'frame');
    process.kill(pid, 'SIGTERM');
    expect(await exited).toEqual({ code: 0, signal: null });
    expect((await sampling).kind).toBe('gone');
  });

  it('because nobody needs it ends by itself', async () => {
    const { client, exited } = await scratch.start('continue');
    client.dispose();
    expect(await exited).toEqual({ code: 0, signal: null });
    expect(await scratch.find()).toBeNull();
  });
});

describe('two trainings', () => {
  it('at once are refused, with the name of the one in progress', async () => {
    const { client } = await scratch.start();
    const { run, name } = await client.request('train', scratch.request(ENDLESS));
    const refused = await failureOf(client.request('train', scratch.request()));
    expect(refused).toEqual({
      kind: 'user',
      message: `${name} is being trained here; stop it first, or wait until it has ended.`,
    });
    expect(client.info.training).toBeNull();
    const renamed = await failureOf(client.request('renameRun', { run: run!, name: 'mine' }));
    expect(renamed.message).toMatch(/is being trained by process \d+/);
    await client.request('stop', undefined);
    const again = (await client.request('resume', { from: run!, changes: {} })) as TrainingStatus;
    expect(again).toMatchObject({ run, state: 'running' });
  });

  it('of one run by two engines are refused kindly', async () => {
    const { client } = await scratch.start('continue');
    const { run } = await client.request('train', scratch.request(ENDLESS));
    await told(client, 'training', ({ step }) => step > 1);
    await client.request('checkpointNow', undefined);
    const { client: other } = await scratch.start('continue');
    const refused = await failureOf(other.request('resume', { from: run!, changes: {} }));
    expect(refused.kind).toBe('user');
    expect(refused.message).toMatch(/is being trained by process \d+; stop that first/);
    const renamed = await failureOf(other.request('renameRun', { run: run!, name: 'mine' }));
    expect(renamed.message).toMatch(/is being trained by process \d+/);
    const [summary] = await other.request('listRuns', { folder: scratch.runs });
    expect(summary).toMatchObject({ path: run, status: 'running', isOurs: false });
    await client.request('stop', undefined);
  });
});

describe('starting', () => {
  it('says why an engine does not come up, with the end of its log', async () => {
    const start = scratch.startWith('throw new Error("no such driver")');
    const error = await start.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).failure).toMatchObject({
      kind: 'fault',
      message: 'The engine ended while it started (code 1).',
      detail: expect.stringContaining('no such driver') as string,
    });
  });

  it('gives up on one that hangs', async () => {
    const start = scratch.startWith('setInterval(() => undefined, 1000)', 300);
    await expect(start).rejects.toThrow('The engine was not ready within 0.3 seconds.');
  });

  it('finds nothing where nothing listens', async () => {
    const nowhere = scratch.at('nowhere');
    const hello = { protocol: PROTOCOL_VERSION, token: '', whenWindowCloses: 'stop' } as const;
    expect(await failureOf(EngineClient.connect(nowhere, hello))).toMatchObject({ kind: 'gone' });
  });
});
