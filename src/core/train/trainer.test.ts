import { spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../test/support/bundles';
import {
  collect,
  type Events,
  hashes,
  recordOf,
  TrainingScratch,
} from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { UserError } from '../base/errors';
import { readMetrics } from '../checkpoint/metrics';
import type { PartialTrainingConfig } from '../config/training-config';

const scratch = new TrainingScratch();
const { surroundings, runs: runsFolder } = scratch;

/** Weights, moments and pictures: what has to be equal to the last bit. */
const RESULTS = /\.(safetensors|png)$/;

let whole: Events;

beforeAll(async () => {
  await scratch.prepare();
  whole = await collect(scratch.start(tinyConfig(), scratch.at('whole')));
});
afterAll(() => scratch.remove());

describe('a run', () => {
  it('tells its events in order', () => {
    const told = whole.all
      .filter(({ type }) => type !== 'preparing' && type !== 'metrics')
      .map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type));
    expect(told.filter((name) => !name.startsWith('step'))).toEqual([
      'started 0',
      'preview 4',
      'checkpoint 4',
      'preview 8',
      'checkpoint 8',
      'checkpoint 12',
      'preview 12',
      'done',
    ]);
    expect([...whole.losses.keys()]).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(told.indexOf('preview 4')).toBe(told.indexOf('step 4') + 1);
    for (const event of whole.of('step')) {
      expect(event).toMatchObject({ steps: 12, epoch: (event.step * 8) / 20_000 });
      expect(event.loss).toBeGreaterThan(0);
      expect(event.gradNorm).toBeGreaterThan(0);
      expect(event.imagesPerSecond).toBeGreaterThan(0);
      expect(event.etaSeconds).toBeGreaterThanOrEqual(0);
    }
    expect(whole.of('step').at(-1)!.etaSeconds).toBe(0);
    expect(whole.of('done')[0]).toMatchObject({
      reason: 'finished',
      run: scratch.at('whole'),
      steps: 12,
      loss: whole.losses.get(12),
    });
  });

  it('leaves its files', async () => {
    const run = scratch.at('whole');
    const steps = ['step-000004', 'step-000008', 'step-000012'];
    expect(readdirSync(run).sort()).toEqual([
      'checkpoints',
      'metrics.jsonl',
      'run.json',
      'samples',
    ]);
    expect(readdirSync(path.join(run, 'checkpoints')).sort()).toEqual(steps);
    expect(readdirSync(path.join(run, 'samples')).sort()).toEqual(steps.map((s) => `${s}.png`));
    expect([...hashes(path.join(run, 'checkpoints', 'step-000012')).keys()]).toEqual([
      'model_index.json',
      'scheduler/scheduler_config.json',
      'state.json',
      'training_state.safetensors',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    const { lines, isTorn } = await readMetrics(path.join(run, 'metrics.jsonl'));
    expect(isTorn).toBe(false);
    expect(lines.map(({ step, loss }) => [step, loss])).toEqual([...whole.losses]);
    expect(await recordOf(run)).toMatchObject({
      status: 'finished',
      message: null,
      device: 'cpu',
      seed: 3,
      progress: { step: 12, loss: whole.losses.get(12) },
    });
  });

  it('is the same again, to the last bit', async () => {
    const again = await collect(scratch.start(tinyConfig(), scratch.at('again')));
    expect([...again.losses]).toEqual([...whole.losses]);
    expect(hashes(again.run, RESULTS)).toEqual(hashes(whole.run, RESULTS));
    expect(hashes(again.run, RESULTS).size).toBe(3 * 2 + 3);
  });

  it('is another one with another seed', async () => {
    const other = await collect(scratch.start(tinyConfig({ training: { seed: 4, steps: 3 } })));
    expect(other.losses.get(1)).not.toBe(whole.losses.get(1));
    expect(path.dirname(other.run)).toBe(runsFolder);
  });

  it('logs the means of several steps in one line', async () => {
    const config = tinyConfig({ training: { logEvery: 3, previewEvery: 0, checkpointEvery: 0 } });
    const { run } = await collect(scratch.start(config, scratch.at('thirds')));
    const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
    expect(lines.map(({ step }) => step)).toEqual([3, 6, 9, 12]);
    for (const { step, loss } of lines) {
      const losses = [step - 2, step - 1, step].map((s) => whole.losses.get(s)!);
      expect(loss).toBeCloseTo(losses.reduce((sum, x) => sum + x, 0) / 3, 12);
    }
    expect(readdirSync(path.join(run, 'checkpoints'))).toEqual(['step-000012']);
    expect(readdirSync(path.join(run, 'samples'))).toEqual([]);
  });

  it('ends in time', async () => {
    const config = tinyConfig({
      training: { steps: 1_000_000, maxSeconds: 0.3, previewEvery: 0, checkpointEvery: 0 },
    });
    const events = await collect(scratch.start(config, scratch.at('timed')));
    const [done] = events.of('done');
    expect(done).toMatchObject({ reason: 'time' });
    expect(done!.steps).toBeGreaterThan(0);
    expect(events.of('checkpoint').map(({ step }) => step)).toEqual([done!.steps]);
    expect(events.of('step').every(({ etaSeconds }) => etaSeconds <= 0.3)).toBe(true);
    expect(await recordOf(events.run)).toMatchObject({
      status: 'stopped',
      message: 'Stopped as asked after 0.3 seconds (maxSeconds).',
    });
  });

  it('refuses a folder that holds one already, before it reads any data', async () => {
    const again = scratch.start(tinyConfig({ dataset: '/no/such/folder' }), scratch.at('whole'));
    await expect(collect(again)).rejects.toThrow(/holds a run already; go on with it by --resume/);
  });

  it('warns where the schedule leaves much of the image, and where images are few', async () => {
    const config = tinyConfig({
      schedule: { kind: 'linear', timesteps: 100 },
      training: { batchSize: 20_001, steps: 1, warmupSteps: 0, previewEvery: 0 },
    });
    const controller = new AbortController();
    const events = scratch.start(config, scratch.at('warned'), controller.signal);
    const warnings: string[] = [];
    for await (const event of events) {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'started') break;
    }
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(/--|timesteps|beta/);
    expect(warnings[1]).toMatch(/20000 images, fewer than one step takes \(20001\)/);
    expect(existsSync(scratch.at('warned', '.lock'))).toBe(false);
  });
});

describe('stopping and resuming', () => {
  it('a stopped run has a checkpoint, and goes on as if it had not been stopped', async () => {
    const run = scratch.at('stopped');
    const first = await scratch.stoppedAt(5, tinyConfig(), run);
    expect(first.of('done')[0]).toMatchObject({ reason: 'stopped', steps: 5 });
    expect(first.of('checkpoint').map(({ step }) => step)).toEqual([4, 5]);
    expect(await recordOf(run)).toMatchObject({ status: 'stopped', progress: { step: 5 } });

    const second = await collect(scratch.goOn(run));
    expect(second.of('started')[0]).toMatchObject({ step: 5, steps: 12, run });
    expect([...first.losses, ...second.losses]).toEqual([...whole.losses]);
    const record = await recordOf(run);
    expect(record.status).toBe('finished');
    expect(record.sittings.map(({ step, device }) => [step, device])).toEqual([
      [0, 'cpu'],
      [5, 'cpu'],
    ]);
    const begun = record.sittings.map(({ startedAt }) => Date.parse(startedAt));
    expect(begun[0]).toBeLessThanOrEqual(begun[1]!);
    const keep = /step-0000(04|08|12).*\.(safetensors|png)$/;
    expect(hashes(run, keep)).toEqual(hashes(whole.run, keep));
    const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
    expect(lines.map(({ step, loss }) => [step, loss])).toEqual([...whole.losses]);
    expect(lines.every(({ memory }) => Number.isInteger(memory) && memory! > 20)).toBe(true);
    const times = lines.map(({ time }) => time!);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('without an average, and with accumulation and dropout, too', async () => {
    const changes: PartialTrainingConfig = {
      model: { dropout: 0.2 } as object,
      training: { emaDecay: 0, accumulate: 2, batchSize: 4, previewEvery: 0, checkpointEvery: 0 },
    };
    const one = await collect(scratch.start(tinyConfig(changes), scratch.at('one-go')));
    const first = await scratch.stoppedAt(7, tinyConfig(changes), scratch.at('two-goes'));
    const second = await collect(scratch.goOn(first.run));
    expect([...first.losses, ...second.losses]).toEqual([...one.losses]);
    const last = /step-000012.*safetensors/;
    expect(hashes(first.run, last)).toEqual(hashes(one.run, last));
  });

  it.each<[string, PartialTrainingConfig['training'], AbortSignal | undefined]>([
    ['stopped', {}, AbortSignal.abort()],
    ['time', { maxSeconds: 1e-9 }, undefined],
  ])('goes on from before the first step: %s', async (reason, training, signal) => {
    const run = scratch.at(`nothing-${reason}`);
    const config = tinyConfig({ training: { ...training, previewEvery: 0 } });
    const first = await collect(scratch.start(config, run, signal));
    expect(first.of('done')[0]).toMatchObject({ reason, steps: 0, loss: null });
    const second = await collect(scratch.goOn(run));
    expect(second.of('done')[0]).toMatchObject({ reason: 'finished', steps: 12 });
    expect([...second.losses]).toEqual([...whole.losses]);
  });

  it('goes on from a branch that was stopped before its first step', async () => {
    const from = path.join(whole.run, 'checkpoints', 'step-000004');
    const branch = scratch.at('bare-branch');
    const first = await collect(scratch.goOn(from, {}, AbortSignal.abort(), branch));
    expect(first.of('done')[0]).toMatchObject({ reason: 'stopped', steps: 4, run: branch });
    expect([...(await collect(scratch.goOn(branch))).losses]).toEqual([...whole.losses].slice(4));
  });

  it('goes on in the middle of a run from an older checkpoint, in a new run', async () => {
    const run = scratch.at('family', 'first');
    cpSync(whole.run, run, { recursive: true });
    const before = hashes(run);
    const branch = await collect(scratch.goOn(path.join(run, 'checkpoints', 'step-000004')));
    expect(branch.run).not.toBe(run);
    expect(path.dirname(branch.run)).toBe(path.dirname(run));
    expect([...branch.losses]).toEqual([...whole.losses].slice(4));
    expect(hashes(run)).toEqual(before);
    const { sittings } = await recordOf(branch.run);
    expect(sittings.map(({ step }) => step)).toEqual([0, 4]);
    const { lines } = await readMetrics(path.join(branch.run, 'metrics.jsonl'));
    expect(lines.map(({ step, loss }) => [step, loss])).toEqual([...whole.losses]);
    const last = /step-000012.*\.(safetensors|png)$/;
    expect(hashes(branch.run, last)).toEqual(hashes(whole.run, last));
  });

  it('takes more steps where it is given more', async () => {
    const run = scratch.at('longer');
    cpSync(whole.run, run, { recursive: true });
    await expect(collect(scratch.goOn(run))).rejects.toThrow(UserError);
    await expect(collect(scratch.goOn(run))).rejects.toThrow(
      `${run} has done 12 steps, all of the 12 asked for; give more with --steps to train on.`,
    );
    expect((await recordOf(run)).status).toBe('finished');
    const more = await collect(scratch.goOn(run, { steps: 14 }));
    expect([...more.losses.keys()]).toEqual([13, 14]);
    expect(await recordOf(run)).toMatchObject({
      status: 'finished',
      config: { training: { steps: 14 } },
    });
  });

  it('refuses what is no run and no checkpoint in one', async () => {
    const alone = scratch.at('alone', 'checkpoints', 'step-000004');
    cpSync(path.join(whole.run, 'checkpoints', 'step-000004'), alone, { recursive: true });
    await expect(collect(scratch.goOn(alone))).rejects.toThrow(
      /lies in no run, whose run\.json is needed/,
    );
    await expect(collect(scratch.goOn(scratch.at('nothing')))).rejects.toThrow(/does not exist/);
    const torn = scratch.at('torn-only');
    cpSync(whole.run, torn, { recursive: true });
    for (const step of readdirSync(path.join(torn, 'checkpoints'))) {
      rmSync(path.join(torn, 'checkpoints', step, 'state.json'));
    }
    await expect(collect(scratch.goOn(torn))).rejects.toThrow(
      /has no whole checkpoint to go on from \(.*state\.json is missing/,
    );
  });

  it('begins a run again that was ended before its first checkpoint, with the same steps', async () => {
    const run = scratch.at('no-checkpoint-yet');
    cpSync(whole.run, run, { recursive: true });
    rmSync(path.join(run, 'checkpoints'), { recursive: true });
    const events = await collect(scratch.goOn(run));
    expect([...events.losses]).toEqual([...whole.losses]);
    expect(hashes(run, RESULTS)).toEqual(hashes(whole.run, RESULTS));
  });

  it('passes over a torn checkpoint', async () => {
    const run = scratch.at('torn');
    cpSync(whole.run, run, { recursive: true });
    const torn = path.join(run, 'checkpoints', 'step-000012', 'training_state.safetensors');
    writeFileSync(torn, readFileSync(torn).subarray(0, 1000));
    const events = await collect(scratch.goOn(run));
    expect([...events.losses]).toEqual([...whole.losses].slice(8));
    expect(hashes(run, RESULTS)).toEqual(hashes(whole.run, RESULTS));
  });
});

describe('a killed run', () => {
  it('goes on from its last checkpoint with the losses of the uninterrupted one', async () => {
    const program = await bundle('test/support/train-process.ts', scratch.at('train-process.cjs'));
    const config = tinyConfig({
      training: { steps: 120, checkpointEvery: 10, previewEvery: 0, lrSchedule: 'cosine' },
    });
    const out = scratch.at('killed');
    const child = spawn(
      process.execPath,
      [program, JSON.stringify({ config, out, runsFolder, surroundings })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = new Promise<string | null>((resolve) =>
      child.on('exit', (_, signal) => resolve(signal)),
    );
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.includes('"checkpoint"')) child.kill('SIGKILL');
    });
    expect(await ended).toBe('SIGKILL');
    expect(await recordOf(out)).toMatchObject({ status: 'running' });
    expect(existsSync(path.join(out, '.lock'))).toBe(true);

    const resumed = await collect(scratch.goOn(out));
    const from = resumed.of('started')[0]!.step;
    expect(from).toBeGreaterThanOrEqual(10);
    expect(from).toBeLessThan(120);
    const uninterrupted = await collect(scratch.start(config, scratch.at('not-killed')));
    const losses = [...uninterrupted.losses];
    expect([...resumed.losses]).toEqual(losses.slice(from));
    const last = /step-000120.*safetensors/;
    expect(hashes(out, last)).toEqual(hashes(uninterrupted.run, last));
    const { lines } = await readMetrics(path.join(out, 'metrics.jsonl'));
    expect(lines.map(({ step, loss }) => [step, loss])).toEqual(losses);
    expect(readdirSync(out).sort()).toEqual(readdirSync(uninterrupted.run).sort());
    const names = (run: string) => readdirSync(path.join(run, 'checkpoints')).sort();
    expect(names(out)).toEqual(names(uninterrupted.run));
    const before = printed.split('\n').flatMap((line) => {
      if (!line.endsWith('}')) return [];
      const event = JSON.parse(line) as { type: string; step: number; loss?: number };
      return event.type === 'step' ? [[event.step, event.loss]] : [];
    });
    expect(before).toEqual(losses.slice(0, before.length));
  });
});
