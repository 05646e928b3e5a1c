import type { PartialTrainingConfig } from './training-config';

export const PRESET_NAMES = ['quick', 'small', 'base'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

/** Named settings to start from. What a preset leaves out has the schema's default. */
export const PRESETS: Readonly<Record<PresetName, PartialTrainingConfig>> = {
  /** Digits at 16×16, readable after some minutes on two CPU cores. */
  quick: {
    imageSize: 16,
    model: {
      type: 'unet',
      blockOutChannels: [16, 32, 32],
      layersPerBlock: 1,
      attention: [false, false, true],
    },
    schedule: { kind: 'cosine', timesteps: 1000, prediction: 'eps' },
    training: {
      steps: 2000,
      batchSize: 32,
      lr: 3e-3,
      lrSchedule: 'cosine',
      warmupSteps: 100,
      adam: { beta2: 0.99 },
      clipGradNorm: 1,
      emaDecay: 0.995,
      emaPower: 0.75,
      checkpointEvery: 500,
      previewEvery: 250,
      previewCount: 16,
    },
  },
  /** Small images at 32×32. */
  small: {
    imageSize: 32,
    model: {
      type: 'unet',
      blockOutChannels: [32, 64, 64],
      layersPerBlock: 2,
      attention: [false, false, true],
    },
    schedule: { kind: 'cosine', timesteps: 1000, prediction: 'eps' },
    training: {
      steps: 5000,
      batchSize: 64,
      lr: 5e-4,
      warmupSteps: 250,
      emaDecay: 0.999,
      checkpointEvery: 500,
      previewEvery: 250,
    },
  },
  /** Images at 64×64; made for a GPU. */
  base: {
    imageSize: 64,
    model: {
      type: 'unet',
      blockOutChannels: [64, 128, 128, 256],
      layersPerBlock: 2,
      attention: [false, false, true, true],
    },
    schedule: { kind: 'cosine', timesteps: 1000, prediction: 'eps' },
    training: {
      steps: 50_000,
      batchSize: 32,
      lr: 1e-4,
      warmupSteps: 500,
      emaDecay: 0.9999,
      checkpointEvery: 1000,
      previewEvery: 1000,
    },
  },
};
