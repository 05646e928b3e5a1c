import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { readCheckpoint, readTrainingState, writeCheckpoint } from './checkpoint';
import type { CheckpointContent } from './checkpoint';
import { readPipelineWeights } from './diffusers-folder';
import type { NamedTensor } from './safetensors';

let folder: string;
let target: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'checkpoint-'));
  target = path.join(folder, 'step-000500');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SHAPES = new Map([
  ['conv_in.weight', [2, 1, 3, 3]],
  ['conv_in.bias', [2]],
]);

/** Tensors of the shapes, filled with numbers from `start` on. */
function tensors(start: number): NamedTensor[] {
  return [...SHAPES].map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return { name, shape, data: Float32Array.from({ length }, (_, i) => start + i / 7) };
  });
}

function content(changes: Partial<CheckpointContent> = {}): CheckpointContent {
  return {
    model: {
      type: 'tutorial-cnn',
      config: { sample_size: 8, channels: 1, hidden_channels: [2] },
    },
    schedule: {
      kind: 'linear',
      timesteps: 100,
      betaStart: 0.0001,
      betaEnd: 0.02,
      zeroTerminalSnr: false,
      prediction: 'eps',
    },
    weights: tensors(0),
    params: tensors(1),
    expAvg: tensors(2),
    expAvgSq: tensors(3),
    state: {
      step: 500,
      epoch: 1.25,
      loss: 0.1,
      seconds: 12.5,
      configFingerprint: 'abc',
      versions: { node: '20' },
    },
    ...changes,
  };
}

const dataOf = (list: NamedTensor[]) => new Map(list.map(({ name, data }) => [name, data]));

describe('a checkpoint', () => {
  it('comes back as it was written, bit for bit', async () => {
    await writeCheckpoint(target, content());
    const checkpoint = await readCheckpoint(target);
    expect(checkpoint.state).toEqual({
      format: 1,
      lossTrend: null,
      heldOut: null,
      ...content().state,
    });
    expect(checkpoint.pipeline).toMatchObject({
      model: content().model,
      schedule: content().schedule,
    });
    expect(await readPipelineWeights(checkpoint.pipeline, SHAPES)).toEqual(dataOf(tensors(0)));
    expect(await readTrainingState(checkpoint, SHAPES)).toEqual({
      params: dataOf(tensors(1)),
      expAvg: dataOf(tensors(2)),
      expAvgSq: dataOf(tensors(3)),
    });
  });

  it('is the folder that is documented', async () => {
    await writeCheckpoint(target, content());
    const files = readdirSync(target, { recursive: true }).map(String).sort();
    expect(files).toEqual([
      'model_index.json',
      'scheduler',
      'scheduler/scheduler_config.json',
      'state.json',
      'training_state.safetensors',
      'unet',
      'unet/config.json',
      'unet/diffusion_pytorch_model.safetensors',
    ]);
    const config = readFileSync(path.join(target, 'unet/config.json'), 'utf8');
    expect(JSON.parse(config)).toMatchObject({ _class_name: 'TutorialCNN', hidden_channels: [2] });
    expect(readdirSync(folder)).toEqual(['step-000500']);
  });

  it('keeps a loss that is not a number as null', async () => {
    const state = { ...content().state, loss: NaN };
    await writeCheckpoint(target, content({ state }));
    expect((await readCheckpoint(target)).state.loss).toBeNull();
  });

  it('replaces one of the same step', async () => {
    await writeCheckpoint(target, content());
    await writeCheckpoint(target, content({ state: { ...content().state, seconds: 99 } }));
    expect((await readCheckpoint(target)).state.seconds).toBe(99);
    expect(readdirSync(folder)).toEqual(['step-000500']);
  });
});

describe('a checkpoint that cannot be written', () => {
  /** Tensors whose last is not there: the disk is full when its turn comes. */
  function* withFullDisk(): Iterable<NamedTensor> {
    const [first, last] = tensors(1) as [NamedTensor, NamedTensor];
    yield first;
    yield {
      ...last,
      get data(): Float32Array {
        throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
      },
    };
  }

  it('leaves nothing, and says so in a sentence', async () => {
    await expect(writeCheckpoint(target, content({ params: withFullDisk() }))).rejects.toThrow(
      new UserError(
        `Cannot write the checkpoint ${target}: the disk is full; free some space or choose another folder.`,
      ),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves the one that was there before', async () => {
    await writeCheckpoint(target, content());
    const next = content({ params: withFullDisk(), state: { ...content().state, seconds: 99 } });
    await expect(writeCheckpoint(target, next)).rejects.toThrow('the disk is full');
    expect((await readCheckpoint(target)).state.seconds).toBe(12.5);
    expect(readdirSync(folder)).toEqual(['step-000500']);
  });
});

describe('a torn checkpoint', () => {
  beforeEach(() => writeCheckpoint(target, content()));

  it.each([
    ['state.json', 'is not a whole checkpoint: state.json is missing; use another checkpoint.'],
    ['training_state.safetensors', 'training_state.safetensors is missing'],
    ['unet/config.json', 'unet/config.json is missing'],
    ['unet/diffusion_pytorch_model.safetensors', 'model.safetensors is missing'],
    ['scheduler/scheduler_config.json', 'scheduler/scheduler_config.json is missing'],
  ])('without %s', async (name, sentence) => {
    rmSync(path.join(target, name));
    await expect(readCheckpoint(target)).rejects.toThrow(UserError);
    await expect(readCheckpoint(target)).rejects.toThrow(sentence);
  });

  it.each(['training_state.safetensors', 'unet/diffusion_pytorch_model.safetensors'])(
    'with %s cut short',
    async (name) => {
      const file = path.join(target, name);
      truncateSync(file, statSync(file).size - 3);
      await expect(readCheckpoint(target)).rejects.toThrow(`${name} is cut short`);
    },
  );

  it('with a state.json that is empty or says something else', async () => {
    const file = path.join(target, 'state.json');
    writeFileSync(file, '');
    await expect(readCheckpoint(target)).rejects.toThrow('state.json is not valid JSON');
    writeFileSync(file, JSON.stringify({ ...content().state, step: -1 }));
    await expect(readCheckpoint(target)).rejects.toThrow(
      'state.json: step is -1; it must be a whole number of at least 0.',
    );
    writeFileSync(file, JSON.stringify({ ...content().state, format: 2 }));
    await expect(readCheckpoint(target)).rejects.toThrow('format is 2; it must be 1.');
  });

  it('with a state of another model', async () => {
    const checkpoint = await readCheckpoint(target);
    const other = new Map([...SHAPES, ['conv_out.bias', [1]] as const]);
    await expect(readTrainingState(checkpoint, other)).rejects.toThrow(
      'lacks the tensors params.conv_out.bias, exp_avg.conv_out.bias, exp_avg_sq.conv_out.bias; use',
    );
  });

  it('that is not there', async () => {
    await expect(readCheckpoint(path.join(folder, 'none'))).rejects.toThrow('does not exist');
  });
});
