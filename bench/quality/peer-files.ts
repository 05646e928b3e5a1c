import path from 'node:path';
import { exportPipeline } from '../../src/core/checkpoint/diffusers-folder';
import { writeSafetensors, type NamedTensor } from '../../src/core/checkpoint/safetensors';
import { BatchMaker, type TrainingBatch } from '../../src/core/data/batch';
import { readImages } from '../../src/core/data/images';
import { openReader } from '../../src/core/data/reader';
import { splitOf } from '../../src/core/data/split';
import { initialise, unpack } from '../../src/core/nn/parameters';
import type { TrainingSetup } from '../../src/core/train/setup';
import type { WholeTrainingFiles } from '../protocol';

/** Writes what the PyTorch loop reads: the initial weights, the images, and the check's batches. */
export async function writePeerFiles(
  setup: TrainingSetup,
  batches: readonly TrainingBatch[],
  folder: string,
): Promise<WholeTrainingFiles> {
  const files = {
    model: path.join(folder, 'initial'),
    images: path.join(folder, 'images.safetensors'),
    check: path.join(folder, 'check.safetensors'),
  };
  const { model, layout, config, conditioning } = setup;
  const initial = unpack(layout, initialise(layout, config.training.seed));
  const weights = [...initial].map(([name, tensor]) => ({ name, ...tensor }));
  await exportPipeline(files.model, { model, schedule: config.schedule, conditioning, weights });
  await writeSafetensors(files.images, imageTensors(setup));
  await writeSafetensors(files.check, checkTensors(setup, batches));
  return files;
}

/** The indices of all images that the training learns from. */
export function learntIndices({ source, config, images }: TrainingSetup): Uint32Array {
  const all = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);
  if (source.origin.kind !== 'digits') {
    return config.holdOut > 0 ? splitOf(source, config.holdOut).train : all(source.count);
  }
  // They never end: an epoch takes images that were not seen before.
  const { steps, batchSize, accumulate } = config.training;
  return all(images * Math.ceil((steps * batchSize * accumulate) / images));
}

function imageTensors(setup: TrainingSetup): NamedTensor[] {
  const { source, conditioning } = setup;
  const reader = openReader(source);
  try {
    const { data, labels, count } = readImages(reader, learntIndices(setup));
    const shape = [count, source.channels, source.imageSize, source.imageSize];
    const images = { name: 'images', shape, data };
    if (conditioning.classNames === null) return [images];
    return [images, { name: 'classes', shape: [count], data: Float32Array.from(labels) }];
  } finally {
    reader.close();
  }
}

/** The first batches of our own training. */
export function firstBatches({ source, config }: TrainingSetup, count: number): TrainingBatch[] {
  const { batchSize, seed, noiseOffset, classDropout } = config.training;
  const { horizontalFlip, holdOut, classes } = config;
  const { timesteps } = config.schedule;
  const dropout = { classDropout: classes ? classDropout : 0 };
  const recipe = { batchSize, timesteps, seed, horizontalFlip, holdOut, noiseOffset, ...dropout };
  const reader = openReader(source);
  try {
    const maker = new BatchMaker(reader, recipe);
    return Array.from({ length: count }, (_, i) => maker.make(i));
  } finally {
    reader.close();
  }
}

function checkTensors(
  { source, conditioning }: TrainingSetup,
  batches: readonly TrainingBatch[],
): NamedTensor[] {
  const join = (parts: readonly ArrayLike<number>[]) =>
    Float32Array.from(parts.flatMap((part) => Array.from(part)));
  const timesteps = join(batches.map((batch) => batch.timesteps));
  const count = timesteps.length;
  const shape = [count, source.channels, source.imageSize, source.imageSize];
  const tensors = [
    { name: 'images', shape, data: join(batches.map(({ images }) => images)) },
    { name: 'noise', shape, data: join(batches.map(({ noise }) => noise)) },
    { name: 'timesteps', shape: [count], data: timesteps },
  ];
  if (conditioning.classNames === null) return tensors;
  const classes = join(batches.map(({ labels }) => labels!));
  return [...tensors, { name: 'classes', shape: [count], data: classes }];
}
