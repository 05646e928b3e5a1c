import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunDirectory, type RunDetails } from '../../src/core/checkpoint/run-directory';
import { resolveConfig } from '../../src/core/config/resolve';
import type { PartialTrainingConfig } from '../../src/core/config/training-config';
import { RUNS } from './contenders';
import { checkIsFree, earlierTrainings } from './earlier';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'earlier-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const settings: PartialTrainingConfig = { dataset: 'digits', imageSize: 8, classes: true };

interface Made {
  readonly json?: PartialTrainingConfig;
  readonly images?: string;
  readonly details?: Partial<RunDetails>;
  readonly isFinished?: boolean;
}

/** A run as a training leaves it, but that its checkpoint is empty. */
async function made(name: string, { json, images = 'abc', details, isFinished = true }: Made = {}) {
  const config = resolveConfig({ file: { path: 'settings', json: { ...settings, ...json } } });
  const run = await RunDirectory.create(path.join(folder, name), {
    status: 'finished',
    createdAt: '2026-11-24T12:00:00Z',
    config,
    seed: 0,
    device: 'cpu',
    versions: { torch: '2' },
    dataset: { source: 'digits', fingerprint: images, images: null, imageSize: 8, channels: 1 },
    ...details,
  });
  if (isFinished) await mkdir(run.checkpointPath(config.training.steps), { recursive: true });
  return run.path;
}

describe('earlierTrainings', () => {
  it('are both, on whatever threads and with whatever checkpoints', async () => {
    await made(RUNS.ours, { json: { threads: 1, training: { checkpointEvery: 5 } } });
    await made(RUNS.peer, { json: { device: 'cpu', threads: 2 } });
    const { ours, peer } = await earlierTrainings(null, folder);
    expect(ours.checkpoint).toContain(path.join(folder, RUNS.ours));
    expect(peer!.versions).toEqual({ torch: '2' });
  });

  it('is ours alone where PyTorch was absent, also from elsewhere', async () => {
    const run = await made('elsewhere');
    expect((await earlierTrainings(run, folder)).peer).toBeNull();
  });

  it.each<[string, Made]>([
    ['steps', { json: { training: { steps: 300 } } }],
    ['schedule', { json: { schedule: { prediction: 'v' } } }],
    ['model', { json: { model: { type: 'unet', layersPerBlock: 1 } } }],
    ['flips', { json: { horizontalFlip: true } }],
    ['classes', { json: { classes: false } }],
    ['images', { images: 'other' }],
  ])('refuse a PyTorch training of other %s', async (_, other) => {
    await made(RUNS.ours);
    await made(RUNS.peer, other);
    await expect(earlierTrainings(null, folder)).rejects.toThrow(/PyTorch training of other/);
  });

  it.each<[string, Partial<RunDetails>]>([
    ['whole', { device: 'webgpu' }],
    ['in part', { sittings: [{ step: 0, startedAt: '2026-11-24T12:00:00Z', device: 'webgpu' }] }],
  ])('refuse a run that another device trained, %s', async (_, details) => {
    const run = await made('elsewhere', { details });
    const message = /was trained on webgpu, PyTorch’s loop on the CPU; give a run of --device cpu/;
    await expect(earlierTrainings(run, folder)).rejects.toThrow(message);
  });
});

describe('checkIsFree', () => {
  it('lets an empty folder pass', async () => {
    await expect(checkIsFree(folder)).resolves.toBeUndefined();
  });

  it('advises to measure what is finished, and another folder for what is not', async () => {
    await made(RUNS.ours);
    await expect(checkIsFree(folder)).rejects.toThrow(/\(ours\); measure it by --only evaluate/);
    await rm(path.join(folder, RUNS.ours), { recursive: true });
    await made(RUNS.ours, { isFinished: false });
    await expect(checkIsFree(folder)).rejects.toThrow(/not finished \(ours\); give another folder/);
  });
});
