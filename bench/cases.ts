import { UserError } from '../src/core/base/errors';
import { modelConfigOf } from '../src/core/config/check';
import { resolveConfig } from '../src/core/config/resolve';
import type { PresetName } from '../src/core/config/presets';
import type { PartialTrainingConfig, TrainingConfig } from '../src/core/config/training-config';
import { makeSchedule } from '../src/core/diffusion/schedule';
import { parametersOf } from '../src/core/nn/model';
import type { TrainingStepSettings } from '../src/core/train/training-step';

/** A net, its images and its batch: what both sides train and sample. */
export interface BenchCase {
  /** What `--only` and the tables call it. */
  readonly id: string;
  readonly title: string;
  /** A settings file. */
  readonly settings: PartialTrainingConfig & { readonly preset?: PresetName };
  /** Images at once whose sampling is timed. */
  readonly samplingBatches: readonly number[];
}

/** The same for all: everything random, and how far a step goes. */
export const SEED = 7;
export const LEARNING_RATE = 1e-3;
export const EMA_DECAY = 0.99;

interface Net {
  readonly imageSize: number;
  readonly channels: 1 | 3;
  readonly batchSize: number;
  readonly blockOutChannels: number[];
  /** Of each level; the middle has it always. */
  readonly attention: boolean[];
}

function settingsOf({ imageSize, channels, batchSize, blockOutChannels, attention }: Net) {
  return {
    dataset: 'digits',
    imageSize,
    channels,
    device: 'cpu',
    model: { type: 'unet', blockOutChannels, layersPerBlock: 2, attention },
    training: { batchSize, seed: SEED },
  } satisfies PartialTrainingConfig;
}

export const CASES: readonly BenchCase[] = [
  {
    id: 'a',
    title: 'quick preset: 16×16×1, 16-32-32, batch 32',
    settings: { preset: 'quick', device: 'cpu', training: { seed: SEED } },
    samplingBatches: [1, 16],
  },
  {
    id: 'b',
    title: '28×28×1, 32-64-64, batch 64',
    settings: settingsOf({
      imageSize: 28,
      channels: 1,
      batchSize: 64,
      blockOutChannels: [32, 64, 64],
      attention: [false, false, true],
    }),
    samplingBatches: [1, 16, 64],
  },
  {
    id: 'c',
    title: '32×32×3, 64-128-128-256, batch 32',
    settings: settingsOf({
      imageSize: 32,
      channels: 3,
      batchSize: 32,
      blockOutChannels: [64, 128, 128, 256],
      attention: [false, false, false, false],
    }),
    samplingBatches: [1, 16],
  },
  {
    id: 'd',
    title: '64×64×3, 32-64-128-128, batch 8',
    settings: settingsOf({
      imageSize: 64,
      channels: 3,
      batchSize: 8,
      blockOutChannels: [32, 64, 128, 128],
      attention: [false, false, false, false],
    }),
    samplingBatches: [1, 16],
  },
];

/** The case of an id that is known to be one. */
export function caseOf(id: string): BenchCase {
  return CASES.find((one) => one.id === id)!;
}

/**
 * The cases of these ids, all where none is given.
 *
 * @throws UserError naming an id that is none
 */
export function casesOf(ids: readonly string[]): readonly BenchCase[] {
  const known = CASES.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new UserError(`--only has ${unknown}; there are ${known.join(', ')}.`);
  }
  return ids.length === 0 ? CASES : CASES.filter(({ id }) => ids.includes(id));
}

/** A case's configuration with all defaults. */
export function configOf({ id, settings }: BenchCase): TrainingConfig {
  return resolveConfig({ file: { path: `case ${id}`, json: settings } });
}

/** What the core needs to run a case. */
export function networkOf(one: BenchCase) {
  const config = configOf(one);
  const images = { imageSize: config.imageSize!, channels: config.channels! };
  const model = modelConfigOf(config.model, images);
  const layout = parametersOf(model);
  const { prediction, ...schedule } = config.schedule;
  const { adam, clipGradNorm, batchSize, emaDecay } = config.training;
  const optimiser = { ...adam, clipGradNorm };
  const step: TrainingStepSettings = {
    model,
    layout,
    batchSize,
    accumulate: 1,
    optimiser,
    ema: emaDecay > 0,
  };
  return { config, model, layout, prediction, schedule: makeSchedule(schedule), step };
}
