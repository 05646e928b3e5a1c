import fs from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { collect, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import type * as checkpoint from '../../core/checkpoint/checkpoint';
import { RunLister } from './run-lister';

/** The error that the system gives for each path; root is refused nothing for real. */
const refusals = new Map<string, string>();

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const check = (file: fs.PathLike) => {
    const code = refusals.get(String(file));
    if (code) throw Object.assign(new Error(`${code}: refused`), { code, path: String(file) });
  };
  const statSync = ((file: fs.PathLike, options: fs.StatSyncOptions) => {
    check(file);
    return real.statSync(file, options);
  }) as typeof real.statSync;
  const readdirSync = ((file: fs.PathLike) => {
    check(file);
    return real.readdirSync(file);
  }) as typeof real.readdirSync;
  return { ...real, statSync, readdirSync };
});

const checkpointFault = vi.hoisted(() => vi.fn());
vi.mock('../../core/checkpoint/checkpoint', async (original) => {
  const real = await original<typeof checkpoint>();
  checkpointFault.mockImplementation(real.checkpointFault);
  return { ...real, checkpointFault };
});

const scratch = new TrainingScratch();
const original = scratch.at('original');

beforeAll(async () => {
  await scratch.prepare();
  await collect(scratch.start(tinyConfig(), original));
});
afterEach(() => refusals.clear());
afterAll(() => scratch.remove());

function copy(folder: string, name = 'run'): string {
  const run = scratch.at(folder, name);
  fs.cpSync(original, run, { recursive: true });
  return run;
}

describe('listing runs', () => {
  it.each(['EACCES', 'EPERM', 'EIO'])('says why a folder cannot be read: %s', async (code) => {
    const folder = scratch.at('folder');
    fs.mkdirSync(folder, { recursive: true });
    refusals.set(folder, code);
    await expect(new RunLister(() => null).list(folder)).rejects.toThrow(
      new RegExp(`^Cannot read the folder .*folder: .*; .*\\.$`),
    );
  });

  it.each(['EACCES', 'EPERM', 'EIO', 'ESTALE'])(
    'leaves out an entry that cannot be looked into: %s',
    async (code) => {
      const run = copy(`entries-${code}`);
      const folder = path.dirname(run);
      fs.mkdirSync(path.join(folder, 'bad'));
      refusals.set(path.join(folder, 'bad', 'run.json'), code);
      const runs = await new RunLister(() => null).list(folder);
      expect(runs.map(({ path: at }) => at)).toEqual([run]);
    },
  );

  it.each(['EACCES', 'ESTALE'])('lists a run as broken that cannot be read: %s', async (code) => {
    const whole = copy(`broken-${code}`, 'whole');
    const bad = copy(`broken-${code}`, 'bad');
    refusals.set(path.join(bad, 'checkpoints', 'step-000012'), code);
    const runs = await new RunLister(() => null).list(path.dirname(bad));
    const byPath = new Map(runs.map((run) => [run.path, run]));
    expect(byPath.get(whole)).toMatchObject({ status: 'finished', step: 12 });
    const { status, message } = byPath.get(bad)!;
    expect(status).toBe('broken');
    expect(message).toMatch(new RegExp(`^Cannot read the run .*bad.*[;] .*\\.$`));
  });

  it('remembers the checkpoints of each folder, whichever is listed in between', async () => {
    const [one, other] = [copy('one'), copy('other')].map((run) => path.dirname(run));
    const lister = new RunLister(() => null);
    await lister.list(one!);
    await lister.list(other!);
    const before = checkpointFault.mock.calls.length;
    await lister.list(one!);
    await lister.list(other!);
    expect(before).toBeGreaterThan(1);
    expect(checkpointFault.mock.calls.length).toBe(before);
  });

  it('forgets the checkpoints of a run that is gone from its folder', async () => {
    const run = copy('gone');
    const lister = new RunLister(() => null);
    await lister.list(path.dirname(run));
    fs.renameSync(run, scratch.at('aside'));
    await lister.list(path.dirname(run));
    fs.renameSync(scratch.at('aside'), run);
    const before = checkpointFault.mock.calls.length;
    await lister.list(path.dirname(run));
    expect(checkpointFault.mock.calls.length).toBeGreaterThan(before);
  });
});
