import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { lockRun } from '../../core/checkpoint/run-lock';
import { firstStatus } from '../training/training-status';
import { readPreviews } from './previews';
import { isTaken, renameRun } from './rename';
import { RunLister } from './run-lister';

const scratch = new TrainingScratch();
const original = scratch.at('original');
const lister = new RunLister(() => null);

beforeAll(async () => {
  await scratch.prepare();
  await collect(scratch.start(tinyConfig(), original));
});
afterAll(() => scratch.remove());

/** A copy of the run in a folder of its own. */
function copy(folder: string, name = 'run'): string {
  const run = scratch.at(folder, name);
  cpSync(original, run, { recursive: true });
  return run;
}

function change(run: string, changes: object): void {
  const file = path.join(run, 'run.json');
  const record = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...record, ...changes }));
}

describe('a run in the list', () => {
  it('is told with its checkpoints and previews, the newest first', async () => {
    const run = copy('whole');
    expect(await lister.list(scratch.at('whole'))).toMatchObject([
      {
        path: run,
        name: 'original',
        status: 'finished',
        isOurs: false,
        message: null,
        step: 12,
        steps: 12,
        loss: expect.any(Number) as number,
        dataset: 'digits',
        device: 'cpu',
        preview: path.join(run, 'samples', 'step-000012.png'),
        checkpoints: [12, 8, 4].map((step) => ({
          path: path.join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`),
          step,
          fault: null,
          epoch: (step * 8) / 20_000,
          preview: path.join(run, 'samples', `step-${String(step).padStart(6, '0')}.png`),
        })),
      },
    ]);
    const [{ checkpoints } = { checkpoints: [] }] = await lister.list(scratch.at('whole'));
    const sizes = spawnSync('du', ['-sb', checkpoints[0]!.path], { encoding: 'utf8' }).stdout;
    if (process.platform === 'linux') {
      expect(checkpoints[0]!.size).toBeGreaterThan(10_000);
      expect(checkpoints[0]!.size).toBeLessThanOrEqual(Number(sizes.split('\t')[0]));
    }
  });

  it('tells its classes, of many the first, and none where they are not learnt', async () => {
    const { config, dataset } = JSON.parse(
      readFileSync(path.join(original, 'run.json'), 'utf8'),
    ) as { config: object; dataset: object };
    const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
    const labelled = { dataset: { ...dataset, classes } };
    change(copy('classes', 'learnt'), {
      name: 'a',
      config: { ...config, classes: true },
      ...labelled,
    });
    change(copy('classes', 'passed-over'), { name: 'b', ...labelled });
    const runs = await lister.list(scratch.at('classes'));
    const told = Object.fromEntries(runs.map((run) => [run.name, run.classes]));
    expect(told).toEqual({ a: { count: 1000, first: classes.slice(0, 8) }, b: null });
  });

  it('says what is wrong with each checkpoint, also when that comes about later', async () => {
    const run = copy('torn');
    const at = (step: number, file: string) =>
      path.join(run, 'checkpoints', `step-00000${step}`, file);
    rmSync(at(4, 'state.json'));
    await lister.list(scratch.at('torn'));
    truncateSync(at(8, 'training_state.safetensors'), 5000);
    rmSync(path.join(run, 'samples', 'step-000008.png'));
    mkdirSync(path.join(run, 'checkpoints', 'step-000010'));
    const [{ checkpoints, status } = { checkpoints: [], status: '' }] = await lister.list(
      scratch.at('torn'),
    );
    expect(status).toBe('finished');
    expect(checkpoints.map(({ step }) => step)).toEqual([12, 10, 8, 4]);
    const [last, empty, cut, missing] = checkpoints.map(({ fault }) => fault);
    expect(last).toBeNull();
    expect(empty).toMatch(/is not a whole checkpoint: state\.json is missing/);
    expect(cut).toMatch(/training_state\.safetensors/);
    expect(missing).toMatch(/state\.json is missing/);
    expect(checkpoints[2]!.preview).toBe(path.join(run, 'samples', 'step-000004.png'));
  });

  it('is running, interrupted or ours by who trains it', async () => {
    const run = copy('states');
    change(run, { status: 'running', progress: { step: 4, seconds: 1, loss: 0.5 } });
    const status = async (from = lister) => (await from.list(scratch.at('states')))[0]!;
    expect(await status()).toMatchObject({ status: 'interrupted', step: 4, loss: 0.5 });
    const owner = { pid: process.ppid, host: os.hostname() };
    writeFileSync(path.join(run, '.lock'), JSON.stringify(owner));
    expect(await status()).toMatchObject({ status: 'running', isOurs: false, step: 12 });
    rmSync(path.join(run, '.lock'));
    const unlock = await lockRun(run);
    const training = { ...firstStatus('x'), state: 'paused' as const, run, step: 7, steps: 99 };
    expect(await status(new RunLister(() => training))).toMatchObject({
      status: 'running',
      isOurs: true,
      step: 7,
      steps: 99,
    });
    await unlock();
  });

  it('that cannot be read is broken, with the reason', async () => {
    const cases: readonly (readonly [string, string | null, RegExp])[] = [
      ['a', '{"format":', /run\.json is not valid JSON; mend it/],
      ['b', '', /run\.json is empty; mend it/],
      ['c', '{"format":"horse"}', /run\.json: .*it must be/],
      ['d', null, /run\.json is missing; restore it from a copy, or delete the run/],
    ];
    for (const [name, text] of cases) {
      const run = copy('broken', name);
      if (text === null) rmSync(path.join(run, 'run.json'));
      else writeFileSync(path.join(run, 'run.json'), text);
    }
    const runs = await lister.list(scratch.at('broken'));
    for (const [name, , reason] of cases) {
      const found = runs.find((run) => run.name === name)!;
      expect(found).toMatchObject({ status: 'broken', steps: 0 });
      expect(found.message).toMatch(reason);
      expect(found.checkpoints.map(({ fault }) => fault)).toEqual([null, null, null]);
    }
  });

  it('is no foreign folder or file, and nothing in an absent folder', async () => {
    mkdirSync(scratch.at('foreign', 'photos'), { recursive: true });
    writeFileSync(scratch.at('foreign', 'notes.txt'), 'a note');
    expect(await lister.list(scratch.at('foreign'))).toEqual([]);
    expect(await lister.list(scratch.at('nowhere'))).toEqual([]);
    await expect(lister.list(scratch.at('foreign', 'notes.txt'))).rejects.toThrow(
      /notes\.txt is a file, not a folder of runs/,
    );
    await expect(lister.summary(scratch.at('foreign', 'photos'))).rejects.toThrow(/is not a run/);
  });

  it('is one of a hundred with fifty checkpoints each, in well under a second', async () => {
    // Links to one checkpoint: for the lister they are folders like any others.
    const checkpoint = path.join(original, 'checkpoints', 'step-000012');
    for (let i = 0; i < 100; i++) {
      const folder = scratch.at('many', String(i), 'checkpoints');
      mkdirSync(folder, { recursive: true });
      cpSync(path.join(original, 'run.json'), path.join(folder, '..', 'run.json'));
      for (let step = 100_000; step < 100_050; step++) {
        symlinkSync(checkpoint, path.join(folder, `step-${step}`), 'junction');
      }
    }
    const fresh = new RunLister(() => null);
    const times: number[] = [];
    for (let round = 0; round < 2; round++) {
      const start = process.cpuUsage();
      const runs = await fresh.list(scratch.at('many'));
      const { user, system } = process.cpuUsage(start);
      times.push((user + system) / 1000);
      expect(runs).toHaveLength(100);
      expect(runs.every(({ checkpoints }) => checkpoints.length === 50)).toBe(true);
    }
    // Processor time, which other programs do not change: some 450 and 100 ms on slow cores.
    expect(times[0]).toBeLessThan(1500);
    expect(times[1]).toBeLessThan(500);
  });
});

describe('previews', () => {
  it('come back from their picture as they were drawn', async () => {
    const run = scratch.at('drawn');
    const events = await collect(scratch.start(tinyConfig(), run));
    const previews = await readPreviews(run, [4, 5, 8, 12]);
    expect(previews.map(({ step }) => step)).toEqual([4, 8, 12]);
    const [drawn] = events.of('preview');
    expect(drawn!.images.shape).toEqual([4, 1, 8, 8]);
    const { pixels } = previews[0]!;
    expect(pixels).toMatchObject({ count: 4, channels: 1, height: 8, width: 8 });
    drawn!.images.data.forEach((value, i) => {
      expect(pixels.data[i]).toBe(Math.round(Math.min(1, Math.max(-1, value)) * 127.5 + 127.5));
    });
    writeFileSync(path.join(run, 'samples', 'step-000004.png'), 'a horse');
    renameSync(
      path.join(run, 'samples', 'step-000012.png'),
      path.join(run, 'samples', 'step-000009.png'),
    );
    expect((await readPreviews(run, [4, 8, 9, 12])).map(({ step }) => step)).toEqual([8, 9]);
  });
});

describe('renaming a run', () => {
  it('renames folder and record, and nothing else', async () => {
    const run = copy('names', 'old');
    utimesSync(run, 1, 1);
    const renamed = await renameRun(run, 'new name');
    expect(renamed).toBe(scratch.at('names', 'new name'));
    expect(await lister.list(scratch.at('names'))).toMatchObject([
      { path: renamed, name: 'new name', status: 'finished', step: 12 },
    ]);
    expect(await renameRun(renamed, 'new name')).toBe(renamed);
    await (
      await lockRun(renamed)
    )();
  });

  it.each(['', '..', '.hidden', 'a/b', 'a\\b', 'x'.repeat(101), 'a\0b', 'what?', 'end ', 'NUL'])(
    'refuses the name %j',
    async (name) => {
      await expect(renameRun(original, name)).rejects.toThrow(/cannot be the name of a run/);
    },
  );

  it('takes a name for taken by anything but the run itself', async () => {
    const own = scratch.at('own');
    writeFileSync(own, 'one');
    expect(await isTaken(scratch.at('OWN-2'), own)).toBe(false);
    // The same entry by another name, as on disks that do not tell capital letters from small ones.
    linkSync(own, scratch.at('Own'));
    expect(await isTaken(scratch.at('Own'), own)).toBe(false);
    writeFileSync(scratch.at('other'), 'one');
    expect(await isTaken(scratch.at('other'), own)).toBe(true);
    symlinkSync(own, scratch.at('link'));
    expect(await isTaken(scratch.at('link'), own)).toBe(true);
  });

  it('refuses a name that is taken, a run in training, and what is no run', async () => {
    const run = copy('taken', 'one');
    copy('taken', 'two');
    await expect(renameRun(run, 'two')).rejects.toThrow(/two is there already; choose another/);
    const unlock = await lockRun(run);
    await expect(renameRun(run, 'three')).rejects.toThrow(/is being trained by process/);
    await unlock();
    await expect(renameRun(scratch.at('taken'), 'x')).rejects.toThrow(/is not a run/);
    await expect(renameRun(scratch.at('absent'), 'x')).rejects.toThrow(/does not exist/);
  });
});
