import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leftover } from '../../../test/support/leftovers';
import { UserError } from '../base/errors';
import { resolveConfig } from '../config/resolve';
import { sizeOf } from '../graph/shape';
import { parametersOf, type ModelConfig } from '../nn/model';
import { writeCheckpoint } from './checkpoint';
import { describePath, pipelineFolderOf } from './describe';
import { MetricsLog } from './metrics';
import { listRuns, resumedSteps, RunDirectory, runName } from './run-directory';
import type { RunDetails } from './run-directory';

const PIPELINE = path.resolve(import.meta.dirname, '../../../test/fixtures/checkpoint/pipeline');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'runs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => path.join(folder, ...parts);
const TODAY = new Date(2026, 10, 23);

const details: RunDetails = {
  status: 'running',
  createdAt: '2026-11-23T20:00:00.000Z',
  config: resolveConfig({ preset: 'quick', overrides: { imageSize: 8 } }),
  seed: 0,
  device: 'cpu',
  versions: { node: '20' },
  dataset: { source: 'digits', fingerprint: 'f', images: null, imageSize: 8, channels: 1 },
};

const MODEL: ModelConfig = {
  type: 'tutorial-cnn',
  config: { sample_size: 8, channels: 1, hidden_channels: [2] },
};

async function addCheckpoint(run: RunDirectory, step: number): Promise<void> {
  const tensors = parametersOf(MODEL).specs.map(({ name, shape }) => {
    return { name, shape, data: new Float32Array(sizeOf(shape)).fill(step) };
  });
  await writeCheckpoint(run.checkpointPath(step), {
    model: MODEL,
    schedule: run.record.config.schedule,
    weights: tensors,
    params: tensors,
    expAvg: tensors,
    expAvgSq: tensors,
    state: { step, epoch: 1, loss: 0.5, seconds: 1, configFingerprint: 'abc', versions: {} },
  });
}

describe('RunDirectory', () => {
  it('is made, changed, and opened again', async () => {
    const run = await RunDirectory.create(at('my run'), details);
    expect(run.record).toMatchObject({ name: 'my run', progress: { step: 0 }, message: null });
    const progress = { step: 3, seconds: 2, loss: NaN };
    await run.update({ status: 'failed', message: 'The loss is not a number.', progress });
    const again = await RunDirectory.open(at('my run'));
    expect(again.record).toEqual(run.record);
    expect(again.record).toMatchObject({ status: 'failed', progress: { step: 3, loss: null } });
    expect(readdirSync(at('my run')).sort()).toEqual(['checkpoints', 'run.json', 'samples']);
  });

  it('names runs after data set, day and number', async () => {
    const first = await RunDirectory.createNamed(at('runs'), 'digits', TODAY, details);
    const second = await RunDirectory.createNamed(at('runs'), 'digits', TODAY, details);
    expect(first.path).toBe(at('runs', 'digits-2026-11-23-1'));
    expect(second.record.name).toBe('digits-2026-11-23-2');
    expect(runName('idx:/data/MNIST set/', TODAY, 7)).toBe('mnist-set-2026-11-23-7');
    expect(runName('idx:', TODAY, 1)).toBe('run-2026-11-23-1');
    expect((await listRuns(at('runs'))).map(({ run }) => run?.record.name)).toEqual([
      'digits-2026-11-23-1',
      'digits-2026-11-23-2',
    ]);
  });

  it('takes an empty folder, and refuses one that holds anything', async () => {
    mkdirSync(at('empty'));
    await RunDirectory.create(at('empty'), details);
    await expect(RunDirectory.create(at('empty'), details)).rejects.toThrow(
      `${at('empty')} holds a run already; go on with it by --resume`,
    );
    mkdirSync(at('mine'));
    writeFileSync(at('mine', 'photo.png'), '');
    await expect(RunDirectory.create(at('mine'), details)).rejects.toThrow(
      new UserError(`${at('mine')} is not empty and holds no run; choose another --out.`),
    );
    writeFileSync(at('file'), '');
    await expect(RunDirectory.create(at('file'), details)).rejects.toThrow('is a file');
    await expect(RunDirectory.create(at('file', 'x'), details)).rejects.toThrow(UserError);
    expect(readdirSync(at('mine'))).toEqual(['photo.png']);
  });

  it('names the wrong key of a run.json', async () => {
    const run = await RunDirectory.create(at('r'), details);
    const spoil = (change: object) =>
      writeFileSync(at('r', 'run.json'), JSON.stringify({ ...run.record, ...change }));
    spoil({ status: 'done' });
    await expect(RunDirectory.open(at('r'))).rejects.toThrow(
      'run.json: status is "done"; it must be one of running, finished, stopped or failed.',
    );
    spoil({ config: { ...run.record.config, training: { steps: 0 } } });
    await expect(RunDirectory.open(at('r'))).rejects.toThrow(
      'run.json: config.training.steps is 0',
    );
    spoil({ sed: 3 });
    await expect(RunDirectory.open(at('r'))).rejects.toThrow('did you mean seed?');
    expect((await listRuns(folder))[0]).toMatchObject({ run: null, fault: expect.any(String) });
    writeFileSync(at('r', 'run.json'), '{');
    await expect(RunDirectory.open(at('r'))).rejects.toThrow('not valid JSON');
    await expect(RunDirectory.open(at('none'))).rejects.toThrow('does not exist');
    await expect(RunDirectory.open(folder)).rejects.toThrow('is not a run: run.json is missing');
  });

  it('opens records that know no sittings, and tells from which steps a run went on', async () => {
    const run = await RunDirectory.create(at('r'), details);
    const { sittings, ...older } = run.record;
    expect(sittings).toEqual([]);
    writeFileSync(at('r', 'run.json'), JSON.stringify(older));
    expect((await RunDirectory.open(at('r'))).record.sittings).toEqual([]);
    const from = (...steps: number[]) =>
      resumedSteps(steps.map((step) => ({ step, startedAt: '', device: 'cpu' })));
    expect(from()).toEqual([]);
    expect(from(0)).toEqual([]);
    expect(from(0, 500, 500, 800)).toEqual([500, 800]);
    expect(from(500)).toEqual([500]);
    expect(from(0, 800, 500, 600)).toEqual([500, 600]);
  });

  it('counts whole checkpoints only, and says what is wrong with the others', async () => {
    const run = await RunDirectory.create(at('r'), details);
    expect(await run.latestCheckpoint()).toBeNull();
    await expect(pipelineFolderOf(run.path)).rejects.toThrow('has no whole checkpoint yet');
    for (const step of [500, 1_000_000, 999_999]) await addCheckpoint(run, step);
    rmSync(path.join(run.checkpointPath(1_000_000), 'state.json'));
    mkdirSync(at('r', 'checkpoints', 'step-x'));
    const all = await run.checkpoints();
    expect(all.map(({ step, fault }) => [step, fault === null])).toEqual([
      [500, true],
      [999_999, true],
      [1_000_000, false],
    ]);
    expect((await run.latestCheckpoint())?.path).toBe(at('r', 'checkpoints', 'step-999999'));
    expect(await pipelineFolderOf(run.path)).toBe(at('r', 'checkpoints', 'step-999999'));
    expect(run.samplePath(500)).toBe(at('r', 'samples', 'step-000500.png'));
  });

  it('survives a crash between writing a checkpoint and renaming it', async () => {
    const run = await RunDirectory.create(at('r'), details);
    await addCheckpoint(run, 250);
    const left = leftover('step-000500');
    mkdirSync(at('r', 'checkpoints', left, 'unet'), { recursive: true });
    writeFileSync(at('r', leftover('run.json')), '{"na');
    expect((await run.checkpoints()).map(({ step }) => step)).toEqual([250]);
    await RunDirectory.open(at('r'));
    expect(readdirSync(at('r', 'checkpoints'))).toContain(left);
    const resumed = await RunDirectory.openForWriting(at('r'));
    expect(readdirSync(at('r', 'checkpoints'))).toEqual(['step-000250']);
    expect(readdirSync(at('r')).sort()).toEqual(['checkpoints', 'run.json', 'samples']);
    expect((await resumed.latestCheckpoint())?.step).toBe(250);
  });
});

describe('describePath', () => {
  it('describes a run, with warnings for what is torn', async () => {
    const run = await RunDirectory.create(at('r'), details);
    await addCheckpoint(run, 1);
    await addCheckpoint(run, 2);
    rmSync(path.join(run.checkpointPath(2), 'state.json'));
    const log = await MetricsLog.open(run.metricsPath);
    await log.append({ step: 1, loss: 0.5 });
    await log.append({ step: 2, loss: 0.25 });
    await log.close();
    appendFileSync(run.metricsPath, '{"step": 3, "lo');
    const description = await describePath(run.path);
    expect(description).toMatchObject({ kind: 'run', loggedSteps: 2, lastStep: 2, lastLoss: 0.25 });
    expect(description.warnings).toEqual([
      expect.stringContaining('state.json is missing'),
      expect.stringContaining('ends in a torn line'),
    ]);
  });

  it('describes checkpoints and diffusers folders, and knows what is neither', async () => {
    const run = await RunDirectory.create(at('r'), details);
    await addCheckpoint(run, 7);
    expect(await describePath(run.checkpointPath(7))).toMatchObject({
      kind: 'checkpoint',
      state: { step: 7 },
      tensors: parametersOf(MODEL).specs.length,
      parameters: parametersOf(MODEL).total,
    });
    const saved = await describePath(PIPELINE);
    expect(saved).toMatchObject({ kind: 'diffusers', schedule: { kind: 'cosine' }, warnings: [] });
    expect(await pipelineFolderOf(PIPELINE)).toBe(PIPELINE);
    expect((await describePath(folder)).kind).toBe('unknown');
    expect((await describePath(at('none'))).kind).toBe('unknown');
    await expect(pipelineFolderOf(folder)).rejects.toThrow('neither a run, a checkpoint nor');
    rmSync(path.join(run.checkpointPath(7), 'state.json'));
    await expect(describePath(run.checkpointPath(7))).rejects.toThrow('state.json is missing');
  });

  it('counts the parameters of the saved net', async () => {
    const file = readFileSync(path.join(PIPELINE, 'unet/diffusion_pytorch_model.safetensors'));
    const dataBytes = file.length - 8 - Number(file.readBigUInt64LE());
    expect(await describePath(PIPELINE)).toMatchObject({ parameters: dataBytes / 4 });
  });
});
