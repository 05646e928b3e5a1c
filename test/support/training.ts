import { openReader } from '../../src/core/data/reader';
import { openSource } from '../../src/core/data/open';
import { makeBatch, type TrainingBatch } from '../../src/core/data/batch';
import { modelConfigOf } from '../../src/core/config/check';
import { TrainingConfig, type PartialTrainingConfig } from '../../src/core/config/training-config';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import { parametersOf } from '../../src/core/nn/model';
import type { Runtime } from '../../src/core/runtime/runtime';
import { initialVectors, Stepper, type StepResult } from '../../src/core/train/stepper';
import { emaDecayAt, learningRate } from '../../src/core/train/rates';

/** A run of seconds: a tiny U-Net on the built-in digits at 8×8. */
export function tinyConfig(changes: PartialTrainingConfig = {}): TrainingConfig {
  return TrainingConfig.parse({
    dataset: 'digits',
    imageSize: 8,
    channels: 1,
    device: 'cpu',
    threads: 1,
    ...changes,
    model: {
      type: 'unet',
      blockOutChannels: [4, 8],
      layersPerBlock: 1,
      attention: [false, true],
      attentionHeadDim: 4,
      ...changes.model,
    },
    schedule: { timesteps: 20, ...changes.schedule },
    training: {
      steps: 12,
      batchSize: 8,
      lr: 2e-3,
      warmupSteps: 2,
      checkpointEvery: 4,
      previewEvery: 4,
      previewCount: 4,
      previewSteps: 5,
      seed: 3,
      ...changes.training,
    },
  });
}

/** What a configuration's optimiser steps are made of. */
export function stepParts(config: TrainingConfig) {
  const { prediction, ...settings } = config.schedule;
  const { adam, clipGradNorm, batchSize, accumulate, emaDecay, seed } = config.training;
  const images = { imageSize: config.imageSize!, channels: config.channels! };
  const model = modelConfigOf(config.model, images);
  const layout = parametersOf(model);
  const optimiser = { ...adam, clipGradNorm };
  const step = { model, layout, batchSize, accumulate, optimiser, ema: emaDecay > 0 };
  const schedule = makeSchedule(settings);
  return { step, schedule, prediction, vectors: initialVectors(step, seed) };
}

export function openStepper(runtime: Runtime, config: TrainingConfig): Promise<Stepper> {
  const { step, schedule, prediction, vectors } = stepParts(config);
  const { minSnrGamma, weightDecay, seed } = config.training;
  return Stepper.create(
    { runtime, step, schedule, prediction, minSnrGamma, weightDecay, seed },
    vectors,
  );
}

/** Batches `first` … of a configuration's run, made here and now. */
export async function batchesOf(
  config: TrainingConfig,
  count: number,
  first = 0,
): Promise<TrainingBatch[]> {
  const { dataset, imageSize, channels, horizontalFlip } = config;
  const source = await openSource(dataset, { imageSize, channels, cacheFolder: '/nowhere' });
  const reader = openReader(source);
  const { batchSize, seed } = config.training;
  const recipe = { batchSize, timesteps: config.schedule.timesteps, seed, horizontalFlip };
  const batches = Array.from({ length: count }, (_, i) => makeBatch(reader, recipe, first + i));
  reader.close();
  return batches;
}

/** Takes steps with the rates of the configuration, each on the next `accumulate` batches. */
export async function takeSteps(
  stepper: Stepper,
  config: TrainingConfig,
  batches: readonly TrainingBatch[],
): Promise<StepResult[]> {
  const { training } = config;
  const results: StepResult[] = [];
  for (let done = 0; (done + 1) * training.accumulate <= batches.length; done++) {
    const taken = batches.slice(done * training.accumulate, (done + 1) * training.accumulate);
    const lr = learningRate(training, done);
    results.push(await stepper.run(taken, done + 1, lr, emaDecayAt(training, done + 1)));
  }
  return results;
}
