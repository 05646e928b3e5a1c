import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { exportPipeline, openPipeline, readPipelineWeights } from './diffusers-folder';
import type { ExpectedShapes } from './exact-tensors';
import { SafetensorsFile } from './safetensors';
import type { NamedTensor } from './safetensors';
import { parseSchedulerConfig, schedulerConfigJson } from './scheduler-config';

const FIXTURES = path.resolve(import.meta.dirname, '../../../test/fixtures/checkpoint');
const SAVED = path.join(FIXTURES, 'pipeline');
const JSON_FILES = ['model_index.json', 'unet/config.json', 'scheduler/scheduler_config.json'];
const WEIGHTS = 'unet/diffusion_pytorch_model.safetensors';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'pipeline-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const readJsonSync = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;

/** The saved pipeline's tensors, as something to write. */
async function savedTensors(): Promise<NamedTensor[]> {
  const file = await SafetensorsFile.open(path.join(SAVED, WEIGHTS));
  const tensors: NamedTensor[] = [];
  for (const { name, shape } of file.tensors.values()) {
    tensors.push({ name, shape, data: await file.readFloat32(name) });
  }
  await file.close();
  return tensors;
}

const shapesOf = (tensors: readonly NamedTensor[]): ExpectedShapes =>
  new Map(tensors.map(({ name, shape }) => [name, shape]));

/** A copy of the saved pipeline with one JSON file changed. */
function copyWith(name: string, change: (json: Record<string, unknown>) => unknown): string {
  const copy = path.join(folder, 'copy');
  cpSync(SAVED, copy, { recursive: true });
  const file = path.join(copy, name);
  writeFileSync(file, JSON.stringify(change(readJsonSync(file))));
  return copy;
}

describe('a pipeline folder that diffusers saved', () => {
  it('is read whole, without warnings', async () => {
    const pipeline = await openPipeline(SAVED);
    expect(pipeline).toMatchObject({
      warnings: [],
      model: { type: 'unet', config: { block_out_channels: [8, 16], in_channels: 1 } },
      schedule: { kind: 'cosine', timesteps: 200, prediction: 'v', zeroTerminalSnr: false },
      sampling: { varianceType: 'fixed_small', clipSample: true, timestepSpacing: 'leading' },
    });
    const tensors = await savedTensors();
    const weights = await readPipelineWeights(pipeline, shapesOf(tensors));
    expect(weights.size).toBe(tensors.length);
    expect(weights.get('conv_out.bias')).toEqual(
      tensors.find(({ name }) => name === 'conv_out.bias')!.data,
    );
  });

  it('is written again file for file, the weights byte for byte', async () => {
    const { model, schedule } = await openPipeline(SAVED);
    const copy = path.join(folder, 'copy');
    await exportPipeline(copy, { model, schedule, weights: await savedTensors() });
    for (const name of JSON_FILES) {
      const written = readFileSync(path.join(copy, name), 'utf8');
      const saved = readJsonSync(path.join(SAVED, name));
      expect(JSON.parse(written), name).toEqual(saved);
      expect(Object.keys(JSON.parse(written) as object), name).toEqual(Object.keys(saved));
      expect(written.endsWith('}\n')).toBe(true);
    }
    expect(readFileSync(path.join(copy, WEIGHTS))).toEqual(readFileSync(path.join(SAVED, WEIGHTS)));
    expect(readdirSync(copy).sort()).toEqual(readdirSync(SAVED).sort());
  });

  it('is not written over', async () => {
    const { model, schedule } = await openPipeline(SAVED);
    writeFileSync(path.join(folder, 'mine'), '');
    await expect(exportPipeline(folder, { model, schedule, weights: [] })).rejects.toThrow(
      'already there',
    );
    expect(readdirSync(folder)).toEqual(['mine']);
  });

  it('is read from before attention tensors had today’s names', async () => {
    const { model, schedule } = await openPipeline(SAVED);
    const tensors = await savedTensors();
    const legacy = tensors.map((tensor) => ({
      ...tensor,
      name: tensor.name
        .replace('.to_q.', '.query.')
        .replace('.to_k.', '.key.')
        .replace('.to_v.', '.value.')
        .replace('.to_out.0.', '.proj_attn.'),
    }));
    expect(legacy.filter(({ name }, i) => name !== tensors[i]!.name)).toHaveLength(32);
    const copy = path.join(folder, 'legacy');
    await exportPipeline(copy, { model, schedule, weights: legacy });
    const read = await readPipelineWeights(await openPipeline(copy), shapesOf(tensors));
    for (const { name, data } of tensors) expect(read.get(name), name).toEqual(data);
  });

  it('is read where it has one variant of the weights alone, with a warning', async () => {
    const copy = path.join(folder, 'variant');
    cpSync(SAVED, copy, { recursive: true });
    renameSync(path.join(copy, WEIGHTS), path.join(copy, WEIGHTS.replace('.safe', '.fp16.safe')));
    const pipeline = await openPipeline(copy);
    expect(pipeline.warnings).toEqual([
      `${path.join(copy, 'unet')} has its weights as a variant only: diffusion_pytorch_model.fp16.safetensors is read.`,
    ]);
    const tensors = await savedTensors();
    expect((await readPipelineWeights(pipeline, shapesOf(tensors))).size).toBe(tensors.length);
  });

  it('is read as a bare model folder, with a warning for the schedule', async () => {
    const bare = await openPipeline(path.join(SAVED, 'unet'));
    expect(bare.schedule).toMatchObject({ kind: 'linear', timesteps: 1000, prediction: 'eps' });
    expect(bare.warnings).toEqual([expect.stringContaining('has no scheduler_config.json')]);
  });
});

describe('weights that do not fit', () => {
  async function messageFor(change: (shapes: Map<string, readonly number[]>) => void) {
    const shapes = new Map(shapesOf(await savedTensors()));
    change(shapes);
    const read = readPipelineWeights(await openPipeline(SAVED), shapes);
    return read.then(
      () => 'accepted',
      (error: Error) => (error instanceof UserError ? error.message : 'not a UserError'),
    );
  }

  it('names missing, unknown and wrongly shaped tensors', async () => {
    const file = path.join(SAVED, WEIGHTS);
    expect(await messageFor((shapes) => shapes.set('horse.weight', [1]))).toBe(
      `${file} does not fit its configuration: it lacks the tensor horse.weight; use another copy or checkpoint.`,
    );
    expect(await messageFor((shapes) => shapes.delete('conv_in.bias'))).toBe(
      `${file} does not fit its configuration: it has the tensor conv_in.bias, which the model does not know; use another copy or checkpoint.`,
    );
    expect(await messageFor((shapes) => shapes.set('conv_in.bias', [9]))).toBe(
      `${file} does not fit its configuration: tensor conv_in.bias has the shape [8], not [9]; use another copy or checkpoint.`,
    );
    const five = ['a', 'b', 'c', 'd', 'e'];
    expect(await messageFor((shapes) => five.forEach((name) => shapes.set(name, [])))).toContain(
      'it lacks the tensors a, b, c and 2 more; use',
    );
  });
});

describe('broken pipeline folders', () => {
  it.each(JSON_FILES.slice(1))('names the missing %s', async (name) => {
    const copy = copyWith(name, (json) => json);
    rmSync(path.join(copy, name));
    await expect(openPipeline(copy)).rejects.toThrow(
      new UserError(
        `${copy} is not a whole diffusers folder: ${name} is missing; use another copy or checkpoint.`,
      ),
    );
  });

  it('names missing weights, pickles and shards', async () => {
    const copy = copyWith('model_index.json', (json) => json);
    const weights = path.join(copy, WEIGHTS);
    rmSync(weights);
    await expect(openPipeline(copy)).rejects.toThrow('model.safetensors is missing');
    writeFileSync(path.join(copy, 'unet/diffusion_pytorch_model.bin'), '');
    await expect(openPipeline(copy)).rejects.toThrow('safe_serialization=True');
    writeFileSync(`${weights}.index.json`, '{}');
    await expect(openPipeline(copy)).rejects.toThrow('has no weight_map');
  });

  it.each<[string, string, (json: Record<string, unknown>) => unknown, string]>([
    [
      'another pipeline',
      'model_index.json',
      (json) => ({ ...json, _class_name: 'StableDiffusionPipeline', unet: ['diffusers', 'X'] }),
      'describes a StableDiffusionPipeline whose unet is "X"',
    ],
    ['an index that is a list', 'model_index.json', () => [], 'must hold a JSON object, not []'],
    [
      'a wrong key of the net',
      'unet/config.json',
      (json) => ({ ...json, layers_per_block: 0 }),
      'unet/config.json: layers_per_block is 0; it must be a whole number of at least 1.',
    ],
    [
      'an unknown schedule',
      'scheduler/scheduler_config.json',
      (json) => ({ ...json, beta_schedule: 'laplace' }),
      'beta_schedule is "laplace"; it must be one of linear, scaled_linear, squaredcos_cap_v2 or sigmoid.',
    ],
    [
      'betas of its own',
      'scheduler/scheduler_config.json',
      (json) => ({ ...json, trained_betas: [0.1] }),
      'trained_betas is [0.1]; it must be null.',
    ],
    [
      'a learned variance',
      'scheduler/scheduler_config.json',
      (json) => ({ ...json, variance_type: 'learned_range' }),
      'variance_type is "learned_range"',
    ],
    [
      'another scheduler without its betas',
      'scheduler/scheduler_config.json',
      () => ({ _class_name: 'LCMScheduler', num_train_timesteps: 1000 }),
      'beta_start is missing, and a LCMScheduler has its own default',
    ],
  ])('%s', async (_, name, change, sentence) => {
    const copy = copyWith(name, change);
    await expect(openPipeline(copy)).rejects.toThrow(UserError);
    await expect(openPipeline(copy)).rejects.toThrow(sentence);
  });

  it('names JSON that is cut short, a folder that is none, and one that is not there', async () => {
    const copy = copyWith('unet/config.json', (json) => json);
    writeFileSync(path.join(copy, 'unet/config.json'), '{"act_fn": "si');
    await expect(openPipeline(copy)).rejects.toThrow('unet/config.json is not valid JSON');
    mkdirSync(path.join(folder, 'empty'));
    await expect(openPipeline(path.join(folder, 'empty'))).rejects.toThrow(
      'model_index.json is missing',
    );
    await expect(openPipeline(path.join(folder, 'none'))).rejects.toThrow('does not exist');
  });
});

describe('scheduler_config.json', () => {
  const saved = readJsonSync(path.join(FIXTURES, 'schedulers.json'));

  it.each(Object.keys(saved))('is read and written as diffusers does: %s', (name) => {
    const { schedule, warnings } = parseSchedulerConfig(saved[name], 'c');
    expect(warnings).toEqual([]);
    expect(schedulerConfigJson(schedule)).toEqual(saved[name]);
  });

  it('says how a folder wants to be sampled from', () => {
    const read = (json: object) => parseSchedulerConfig(json, 'c').sampling;
    expect(read({})).toMatchObject({ solver: 'ddpm', timestepSpacing: 'leading', threshold: null });
    expect(read({ _class_name: 'DDIMScheduler', set_alpha_to_one: false })).toMatchObject({
      solver: 'ddim',
      alphaToOne: false,
    });
    expect(read({ _class_name: 'PNDMScheduler', skip_prk_steps: true })).toMatchObject({
      solver: 'pndm',
      skipPrk: true,
      alphaToOne: null,
    });
    const dpm = { _class_name: 'DPMSolverMultistepScheduler', variance_type: null };
    expect(read({ ...dpm, solver_order: 3, use_karras_sigmas: true })).toMatchObject({
      solver: 'dpmsolver++',
      order: 3,
      karras: true,
      timestepSpacing: 'linspace',
    });
    expect(read({ ...dpm, algorithm_type: 'sde-dpmsolver++' }).solver).toBe('sde-dpmsolver++');
    const unipc = { _class_name: 'UniPCMultistepScheduler', solver_type: 'bh1' };
    expect(read({ ...unipc, thresholding: true, sample_max_value: 2 })).toMatchObject({
      solver: 'unipc',
      bh: 'bh1',
      threshold: { ratio: 0.995, max: 2 },
    });
    expect(read({ _class_name: 'EulerDiscreteScheduler' }).solver).toBe('euler');
    expect(read({ _class_name: 'EulerAncestralDiscreteScheduler' }).solver).toBe('euler-ancestral');
    expect(read({ _class_name: 'HeunDiscreteScheduler' })).toMatchObject({
      solver: 'heun',
      clipSample: false,
    });
  });

  it('has the defaults of a scheduler’s class', () => {
    const heun = parseSchedulerConfig({ _class_name: 'HeunDiscreteScheduler' }, 'c').schedule;
    expect(heun).toMatchObject({ betaStart: 0.00085, betaEnd: 0.012 });
  });

  it.each([
    [{ _class_name: 'EulerDiscreteScheduler', use_beta_sigmas: true }, 'use_beta_sigmas is true'],
    [{ _class_name: 'UniPCMultistepScheduler', predict_x0: false }, 'predict_x0 is false'],
    [
      { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver' },
      'algorithm_type is "dpmsolver"',
    ],
    [
      { _class_name: 'X', beta_start: 0.1, beta_end: 0.2, beta_schedule: 'linear' },
      'X is not known here; samples are drawn with DDIM',
    ],
  ])('warns of what is done otherwise: %j', (json, message) => {
    const { warnings } = parseSchedulerConfig(json, 'c');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(message);
  });
});
