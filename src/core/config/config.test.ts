import { describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { checkConfig, modelConfigOf } from './check';
import { configDifference, configFingerprint } from './compare';
import { PRESET_NAMES, PRESETS } from './presets';
import { resolveConfig, trainingConfigJsonSchema } from './resolve';
import type { ConfigOverrides } from './resolve';
import { TrainingConfig } from './training-config';

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('no error was thrown');
}

const fromFile = (json: unknown, overrides: ConfigOverrides = {}, preset?: string) =>
  resolveConfig({ preset, file: { path: 'my.json', json }, overrides });

describe('resolveConfig', () => {
  it('gives the quick preset: digits at 16 pixels', () => {
    const config = resolveConfig({ preset: 'quick' });
    expect(config).toMatchObject({
      dataset: 'digits',
      imageSize: 16,
      channels: 1,
      resize: 'cover',
      model: { type: 'unet', blockOutChannels: [16, 32, 32], attention: [false, false, true] },
      schedule: { kind: 'cosine', timesteps: 1000, prediction: 'eps' },
      training: { steps: 2000, batchSize: 32, lr: 3e-3, warmupSteps: 100, emaDecay: 0.995 },
      device: 'auto',
      threads: null,
    });
    expect(TrainingConfig.parse(config)).toEqual(config);
  });

  it.each(PRESET_NAMES)('accepts the preset %s by its own schema', (preset) => {
    const config = resolveConfig({ preset, overrides: { dataset: 'pictures' } });
    expect(config).toMatchObject(PRESETS[preset]);
    expect(config.channels).toBeUndefined();
  });

  it('lays the command line over the file over the preset, key by key', () => {
    const file = {
      training: { lr: 0.001, batchSize: 8, adam: { beta1: 0.95 } },
      resize: 'stretch',
    };
    const config = fromFile(file, { batchSize: 16, seed: undefined, timesteps: 200 }, 'quick');
    expect(config.training).toMatchObject({ lr: 0.001, batchSize: 16, steps: 2000, seed: 0 });
    expect(config.training.adam).toEqual({ beta1: 0.95, beta2: 0.99, eps: 1e-8 });
    expect(config.schedule).toMatchObject({ timesteps: 200, kind: 'cosine' });
    expect(config.resize).toBe('stretch');
  });

  it('replaces the model when its type changes, and lists as a whole', () => {
    const tutorial = resolveConfig({ preset: 'quick', overrides: { model: 'tutorial-cnn' } });
    expect(Object.keys(tutorial.model)).toEqual(['type', 'hiddenChannels']);
    const model = { blockOutChannels: [8, 16], attention: [false, true] };
    expect(fromFile({ model }, {}, 'quick').model).toMatchObject({ type: 'unet', ...model });
  });

  it('takes a preset and $schema from the file; the command line’s preset wins', () => {
    const json = { $schema: 'x', preset: 'small', dataset: 'd' };
    expect(fromFile(json).training.steps).toBe(5000);
    expect(fromFile(json, {}, 'base').training.steps).toBe(50_000);
  });

  it('fits a preset’s warm-up and preview steps to fewer steps from a stronger layer', () => {
    const overrides = { steps: 20, timesteps: 10 };
    const { training } = resolveConfig({ preset: 'quick', overrides });
    expect(training).toMatchObject({ steps: 20, warmupSteps: 2, previewSteps: 10 });
    expect(resolveConfig({ preset: 'quick', overrides: { steps: 1 } }).training.warmupSteps).toBe(
      0,
    );
  });
});

describe('sentences about wrong settings', () => {
  it.each<[string, unknown, ConfigOverrides, string]>([
    [
      'option below its range',
      {},
      { steps: -1 },
      '--steps is -1; it must be a whole number of at least 1.',
    ],
    [
      'option that is not a number',
      {},
      { batchSize: NaN },
      '--batch-size is NaN; it must be a whole number from 1 to 65536.',
    ],
    [
      'whole number past what is exact, as typed',
      {},
      { seed: '99999999999999999999' },
      '--seed is 99999999999999999999; it must be a whole number from 0 to 9007199254740991.',
    ],
    [
      'whole number past what is exact, in the file',
      { training: { seed: 1e20 } },
      {},
      'my.json: training.seed is 100000000000000000000; it must be a whole number from 0 to 9007199254740991.',
    ],
    [
      'whole number below its least',
      {},
      { seed: -1 },
      '--seed is -1; it must be a whole number of at least 0.',
    ],
    ['channels 2', {}, { channels: 2 }, '--channels is 2; it must be 1 or 3.'],
    [
      'unknown schedule',
      {},
      { schedule: 'cosin' },
      '--schedule is "cosin"; it must be one of linear, scaled_linear, cosine or sigmoid.',
    ],
    ['unknown model', {}, { model: 'vit' }, '--model is "vit"; it must be unet or tutorial-cnn.'],
    [
      'image size that does not halve',
      {},
      { imageSize: 18 },
      '--image-size is 18; a U-Net of 3 levels needs a multiple of 4, such as 20.',
    ],
    [
      'beta range',
      {},
      { schedule: 'linear', betaStart: 0.5 },
      '--beta-start is 0.5, more than the 0.02 of --beta-end; noise has to grow, so choose a smaller start.',
    ],
    [
      'key of the file',
      { training: { lr: 'fast' } },
      {},
      'my.json: training.lr is "fast"; it must be a number above 0 and below 10.',
    ],
    [
      'misspelt key',
      { training: { batchsize: 3 } },
      {},
      'my.json: training.batchsize is not a known key; did you mean batchSize?',
    ],
    [
      'foreign key',
      { horses: 3 },
      {},
      'my.json: horses is not a known key; known here: preset, dataset, from, imageSize, channels, resize, horizontalFlip, holdOut, classes, model, schedule, training, device, threads, $schema.',
    ],
    [
      'key outside its section',
      { steps: 3 },
      {},
      'my.json: steps is not a known key; steps belongs under training.',
    ],
    [
      'key outside its section, in other letters',
      { batch_size: 3 },
      {},
      'my.json: batch_size is not a known key; batchSize belongs under training.',
    ],
    [
      'key of a model outside it',
      { hiddenChannels: [8] },
      {},
      'my.json: hiddenChannels is not a known key; hiddenChannels belongs under model.',
    ],
    [
      'name from another program',
      { learningRate: 0.1 },
      {},
      'my.json: learningRate is not a known key; use lr under training.',
    ],
    [
      'misspelt preset',
      { presset: 'quick' },
      {},
      'my.json: presset is not a known key; did you mean preset?',
    ],
    [
      'self-conditioning of the tutorial’s net',
      { model: { type: 'tutorial-cnn' } },
      { selfCondition: true },
      '--self-condition needs a U-Net, and my.json: model.type is tutorial-cnn; leave one of them out.',
    ],
    [
      'key of the other model',
      { model: { type: 'tutorial-cnn', dropout: 0 } },
      {},
      'my.json: model.dropout is not a known key; known here: type, hiddenChannels.',
    ],
    [
      'element of a list',
      { model: { blockOutChannels: [8, 'x', 8] } },
      {},
      'my.json: model.blockOutChannels[1] is "x"; it must be a whole number from 2 to 4096.',
    ],
    [
      'list lengths',
      { model: { blockOutChannels: [8, 8] } },
      {},
      'preset quick: model.attention has 3 entries and my.json: model.blockOutChannels 2; give both the same number.',
    ],
    [
      'head size',
      { model: { attentionHeadDim: 5 } },
      {},
      'preset quick: model.blockOutChannels[2] is 32, a level with attention; it must be a multiple of the 5 of my.json: model.attentionHeadDim.',
    ],
    [
      'section of a wrong kind',
      { training: 3 },
      {},
      'my.json: training is 3; it must be an object in braces.',
    ],
    [
      'warm-up',
      { training: { warmupSteps: 9, steps: 9 } },
      {},
      'my.json: training.warmupSteps is 9; it must be below the 9 of my.json: training.steps.',
    ],
    [
      'zero terminal SNR with eps',
      { schedule: { zeroTerminalSnr: true } },
      {},
      'preset quick: schedule.prediction is eps, which says nothing of the image at the last timestep of a schedule with my.json: schedule.zeroTerminalSnr; use v or x0.',
    ],
    ['a list for a file', [], {}, 'my.json must hold a JSON object, not [].'],
    [
      'unknown preset in the file',
      { preset: 'big' },
      {},
      'my.json: preset is "big", which is not a preset; there are: quick, small, base.',
    ],
  ])('%s', (_, json, overrides, sentence) => {
    const preset = JSON.stringify(json).includes('preset') ? undefined : 'quick';
    expect(messageOf(() => fromFile(json, overrides, preset))).toBe(sentence);
  });

  it('names an unknown preset and a missing data set', () => {
    expect(messageOf(() => resolveConfig({ preset: 'quik' }))).toBe(
      '--preset is "quik", which is not a preset; did you mean quick?',
    );
    expect(messageOf(() => resolveConfig({ preset: 'small' }))).toContain('--dataset');
  });

  it('is not fooled by keys of the language', () => {
    const json: unknown = JSON.parse('{"__proto__": {"device": "cpu"}}');
    expect(messageOf(() => fromFile(json, {}, 'quick'))).toContain('__proto__ is not a known key');
  });
});

describe('checkConfig', () => {
  it('checks the image size once the data set has told it', () => {
    const open = resolveConfig({ overrides: { dataset: 'pictures' } });
    expect(messageOf(() => checkConfig({ ...open, imageSize: 30 }))).toBe(
      'imageSize is 30; a U-Net of 3 levels needs a multiple of 4, such as 32.',
    );
  });

  it('accepts only what the net’s own configuration accepts', () => {
    const { model } = resolveConfig({ preset: 'base', overrides: { dataset: 'pictures' } });
    const net = modelConfigOf(model, { imageSize: 64, channels: 3 });
    expect(net).toMatchObject({
      type: 'unet',
      config: {
        sample_size: 64,
        in_channels: 3,
        norm_num_groups: 32,
        add_attention: true,
        down_block_types: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
        up_block_types: ['AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
      },
    });
  });

  it('makes a self-conditioned net of twice the channels', () => {
    const { model } = resolveConfig({ preset: 'quick', overrides: { selfCondition: true } });
    expect(modelConfigOf(model, { imageSize: 16, channels: 3 })).toMatchObject({
      selfCondition: true,
      config: { in_channels: 6, out_channels: 3 },
    });
  });

  it('makes the tutorial’s net for the data set’s images', () => {
    const { model } = resolveConfig({ preset: 'quick', overrides: { model: 'tutorial-cnn' } });
    expect(modelConfigOf(model, { imageSize: 16, channels: 1 })).toEqual({
      type: 'tutorial-cnn',
      config: { sample_size: 16, channels: 1, hidden_channels: [32, 64, 32] },
    });
  });
});

describe('comparison', () => {
  const a = resolveConfig({ preset: 'quick' });

  it('lists changed dotted keys with their values', () => {
    const b = resolveConfig({ preset: 'quick', overrides: { lr: 0.001, threads: 2 } });
    expect(configDifference(a, a)).toEqual([]);
    expect(configDifference(a, b)).toEqual([
      { key: 'threads', from: null, to: 2 },
      { key: 'training.lr', from: 0.003, to: 0.001 },
    ]);
  });

  it('gives one fingerprint to settings that train alike', () => {
    const shuffled = Object.fromEntries(Object.entries(a).reverse()) as TrainingConfig;
    expect(configFingerprint(shuffled)).toBe(configFingerprint(a));
    const print = (overrides: ConfigOverrides) =>
      configFingerprint(resolveConfig({ preset: 'quick', overrides }));
    expect(print({ device: 'cpu', previewEvery: 1, threads: 1 })).toBe(configFingerprint(a));
    expect(print({ seed: 1 })).not.toBe(configFingerprint(a));
    expect(print({ steps: 601 })).not.toBe(configFingerprint(a));
  });
});

describe('trainingConfigJsonSchema', () => {
  it('describes every key and demands none', () => {
    const schema = trainingConfigJsonSchema();
    expect(schema.required).toBeUndefined();
    expect(JSON.stringify(schema)).toContain('"preset"');
    const undescribed: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, oneOf } = node as { properties?: object; oneOf?: object[] };
      for (const [key, inner] of Object.entries(properties ?? {}) as [string, object][]) {
        if (!('description' in inner) && !('oneOf' in inner)) undescribed.push(`${path}.${key}`);
        walk(inner, `${path}.${key}`);
      }
      oneOf?.forEach((variant) => walk(variant, path));
    };
    walk(schema, '');
    expect(undescribed).toEqual([]);
  });
});
