import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPipeline } from '../../src/core/checkpoint/diffusers-folder';
import { resolveConfig } from '../../src/core/config/resolve';
import type { PartialTrainingConfig } from '../../src/core/config/training-config';
import type { TrainingSetup } from '../../src/core/train/setup';
import { setUpTraining } from '../../src/core/train/setup';
import { readTensors } from '../ours/read';
import { firstBatches, learntIndices, writePeerFiles } from './peer-files';
import { checkComparable } from './setup';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'peer-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settings = {
  dataset: 'digits',
  imageSize: 8,
  classes: true,
  device: 'cpu',
  model: { type: 'unet', blockOutChannels: [4], layersPerBlock: 1, attention: [false] },
  training: { steps: 5, batchSize: 4, classDropout: 0.5 },
} as const satisfies PartialTrainingConfig;

function setupOf(json: PartialTrainingConfig): Promise<TrainingSetup> {
  const places = { cacheFolder: folder, workerFile: '', probeFile: '', versions: {} };
  const config = resolveConfig({ file: { path: 'settings', json } });
  return setUpTraining(config, { ...places, defaultThreads: 1 }, () => undefined);
}

describe('learntIndices', () => {
  it('takes as many of the endless digits as the training reaches', async () => {
    const setup = await setupOf(settings);
    expect(learntIndices(setup)).toHaveLength(setup.images);
    const config = { ...setup.config, training: { ...setup.config.training, steps: 5001 } };
    expect(learntIndices({ ...setup, config })).toHaveLength(2 * setup.images);
  });

  it('leaves out what is held out', async () => {
    const setup = await setupOf({ ...settings, holdOut: 0.25 });
    const source = { ...setup.source, count: 40, origin: { kind: 'cache', file: '' } } as const;
    expect(learntIndices({ ...setup, source })).toHaveLength(30);
  });
});

describe('writePeerFiles', () => {
  it('writes the initial weights with their classes, and the batches of the check', async () => {
    const setup = await setupOf(settings);
    const small = { ...setup, images: 20 };
    const batches = firstBatches(setup, 2);
    const files = await writePeerFiles(small, batches, folder);
    expect((await openPipeline(files.model)).conditioning).toEqual(setup.conditioning);
    const { images, classes } = await readTensors(files.images, ['images', 'classes']);
    expect([images.length, classes.length]).toEqual([20 * 64, 20]);
    const check = await readTensors(files.check, ['noise', 'timesteps', 'classes']);
    expect(check.noise.slice(-4 * 64)).toEqual(batches[1]!.noise);
    expect([...check.timesteps.slice(4)]).toEqual([...batches[1]!.timesteps]);
    expect([...check.classes]).toEqual(batches.flatMap(({ labels }) => [...labels!]));
    expect(check.classes).toContain(setup.conditioning.nullClass);
  });
});

describe('checkComparable', () => {
  it.each<[PartialTrainingConfig, RegExp]>([
    [{ training: { freeze: ['conv_in.*'] } }, /has no training\.freeze/],
    [{ training: { patience: 3 } }, /has no training\.patience/],
    [{ model: { ...settings.model, selfCondition: true } }, /has no model\.selfCondition/],
  ])('refuses %j', (changes, message) => {
    const training = { ...settings.training, ...changes.training };
    const json = { ...settings, ...changes, training };
    const config = resolveConfig({ file: { path: 'settings', json } });
    expect(() => checkComparable(config)).toThrow(message);
  });
});
