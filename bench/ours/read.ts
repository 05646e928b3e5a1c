import { openPipeline, readPipelineWeights } from '../../src/core/checkpoint/diffusers-folder';
import { SafetensorsFile } from '../../src/core/checkpoint/safetensors';
import type { TrainingBatch } from '../../src/core/data/batch';
import type { ParameterLayout, Weights } from '../../src/core/nn/parameters';

/** The weights of a diffusers folder, by name. */
export async function readWeights(folder: string, { specs }: ParameterLayout): Promise<Weights> {
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const read = await readPipelineWeights(await openPipeline(folder), shapes);
  return new Map(specs.map(({ name, shape }) => [name, { shape, data: read.get(name)! }] as const));
}

/** Tensors of a safetensors file, by name. */
export async function readTensors<N extends string>(
  path: string,
  names: readonly N[],
): Promise<Record<N, Float32Array>> {
  const file = await SafetensorsFile.open(path);
  try {
    const entries: [N, Float32Array][] = [];
    for (const name of names) entries.push([name, await file.readFloat32(name)]);
    return Object.fromEntries(entries) as Record<N, Float32Array>;
  } finally {
    await file.close();
  }
}

/** The batches that `writeCaseFiles` wrote. */
export async function readBatches(path: string, batchSize: number): Promise<TrainingBatch[]> {
  const { images, noise, timesteps } = await readTensors(path, ['images', 'noise', 'timesteps']);
  const count = timesteps.length / batchSize;
  const part = (all: Float32Array, i: number) =>
    all.slice((i * all.length) / count, ((i + 1) * all.length) / count);
  return Array.from({ length: count }, (_, index) => ({
    index,
    epoch: 0,
    images: part(images, index),
    noise: part(noise, index),
    timesteps: Int32Array.from(part(timesteps, index)),
    labels: null,
  }));
}
