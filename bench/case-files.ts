import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { normals, Stream } from '../src/core/base/random';
import { exportPipeline } from '../src/core/checkpoint/diffusers-folder';
import { writeSafetensors, type NamedTensor } from '../src/core/checkpoint/safetensors';
import { BatchMaker } from '../src/core/data/batch';
import { openSource } from '../src/core/data/open';
import { openReader } from '../src/core/data/reader';
import { signatureOf } from '../src/core/nn/model';
import { initialise, unpack } from '../src/core/nn/parameters';
import { EMA_DECAY, LEARNING_RATE, networkOf, SEED, type BenchCase } from './cases';
import type { CaseFiles, StepSettings } from './protocol';

/** Different batches that a training takes in turns. */
const BATCHES = 4;

/** Writes what both sides read for a case: the net's initial weights, batches, and x_t to denoise. */
export async function writeCaseFiles(one: BenchCase, parent: string): Promise<CaseFiles> {
  const folder = path.join(parent, one.id);
  await mkdir(folder, { recursive: true });
  const files = {
    model: path.join(folder, 'model'),
    batches: path.join(folder, 'batches.safetensors'),
    samples: path.join(folder, 'samples.safetensors'),
  };
  const { config, model, layout } = networkOf(one);
  const weights = unpack(layout, initialise(layout, SEED));
  const tensors = [...weights].map(([name, tensor]) => ({ name, ...tensor }));
  await exportPipeline(files.model, { model, schedule: config.schedule, weights: tensors });
  await writeSafetensors(files.batches, await batchTensors(one, parent));
  const { channels, height, width } = signatureOf(model);
  const shape = [Math.max(...one.samplingBatches), channels, height, width];
  const data = new Float32Array(shape.reduce((a, b) => a * b));
  normals({ seed: SEED, stream: Stream.initialNoise, index: 0 }, data);
  await writeSafetensors(files.samples, [{ name: 'xt', shape, data }]);
  return files;
}

async function batchTensors(one: BenchCase, cacheFolder: string): Promise<NamedTensor[]> {
  const { config, schedule } = networkOf(one);
  const { imageSize, channels } = config;
  const { batchSize } = config.training;
  const source = await openSource(config.dataset, { imageSize, channels, cacheFolder });
  const recipe = {
    batchSize,
    timesteps: schedule.timesteps,
    seed: SEED,
    horizontalFlip: false,
  };
  const reader = openReader(source);
  const maker = new BatchMaker(reader, recipe);
  const batches = Array.from({ length: BATCHES }, (_, i) => maker.make(i));
  reader.close();
  const join = (parts: readonly ArrayLike<number>[]) =>
    Float32Array.from(parts.flatMap((part) => Array.from(part)));
  const shape = [BATCHES * batchSize, channels!, imageSize!, imageSize!];
  const bars = Array.from(schedule.alphaBars);
  return [
    { name: 'images', shape, data: join(batches.map((batch) => batch.images)) },
    { name: 'noise', shape, data: join(batches.map((batch) => batch.noise)) },
    {
      name: 'timesteps',
      shape: [BATCHES * batchSize],
      data: join(batches.map((batch) => batch.timesteps)),
    },
    { name: 'sqrtAlphaBar', shape: [bars.length], data: Float32Array.from(bars, Math.sqrt) },
    {
      name: 'sqrtOneMinusAlphaBar',
      shape: [bars.length],
      data: Float32Array.from(bars, (bar) => Math.sqrt(1 - bar)),
    },
  ];
}

/** How both sides step. */
export function stepSettingsOf(one: BenchCase): StepSettings {
  const { batchSize, adam, weightDecay, clipGradNorm } = networkOf(one).config.training;
  return {
    batchSize,
    ...adam,
    weightDecay,
    clipGradNorm,
    lr: LEARNING_RATE,
    emaDecay: EMA_DECAY,
  };
}
