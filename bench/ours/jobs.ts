import { writeFile } from 'node:fs/promises';
import { GraphBuilder } from '../../src/core/graph/builder';
import { openPipeline, readPipelineWeights } from '../../src/core/checkpoint/diffusers-folder';
import { SafetensorsFile } from '../../src/core/checkpoint/safetensors';
import type { TrainingBatch } from '../../src/core/data/batch';
import { pack, type ParameterLayout, type Weights } from '../../src/core/nn/parameters';
import type { Runtime } from '../../src/core/runtime/runtime';
import { createDenoiser } from '../../src/core/sample/denoiser';
import { Stepper } from '../../src/core/train/stepper';
import { caseOf, networkOf } from '../cases';
import { SAMPLING_TIMESTEP, type GemmRequest, type JobRequest } from '../protocol';

/** Something that can be computed over and over. */
export interface Job {
  run(iterations: number): Promise<void>;
  close(): Promise<void>;
}

interface OpenedJob {
  readonly job: Job;
  readonly losses: readonly number[];
}

export function openJob(request: JobRequest | GemmRequest, runtime: Runtime): Promise<OpenedJob> {
  switch (request.kind) {
    case 'training':
      return openTraining(request, runtime);
    case 'sampling':
      return openSampling(request, runtime);
    case 'gemm':
      return openGemm(request, runtime);
  }
}

/** The core's training step on the file's batches in turns, which are in memory already. */
async function openTraining(
  request: JobRequest & { kind: 'training' },
  runtime: Runtime,
): Promise<OpenedJob> {
  const { files, settings } = request;
  const { step, layout, schedule, prediction } = networkOf(caseOf(request.case));
  const params = pack(layout, await readWeights(files.model, layout));
  const zeros = () => new Float32Array(layout.total);
  const { weightDecay, lr, emaDecay } = settings;
  const stepper = await Stepper.create(
    { runtime, step, schedule, prediction, minSnrGamma: null, weightDecay, seed: 0 },
    { params, expAvg: zeros(), expAvgSq: zeros(), ema: step.ema ? params : null },
  );
  const batches = await readBatches(files.batches, settings.batchSize);
  let done = 0;
  const next = async () => {
    const batch = batches[done % batches.length]!;
    done++;
    return (await stepper.run([batch], done, lr, emaDecay)).loss;
  };
  const losses: number[] = [];
  while (losses.length < request.steps) losses.push(await next());
  const run = async (iterations: number) => {
    for (let i = 0; i < iterations; i++) await next();
  };
  return { job: { run, close: () => stepper.dispose() }, losses };
}

async function readWeights(folder: string, { specs }: ParameterLayout): Promise<Weights> {
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const read = await readPipelineWeights(await openPipeline(folder), shapes);
  return new Map(specs.map(({ name, shape }) => [name, { shape, data: read.get(name)! }] as const));
}

async function readTensors<N extends string>(
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

async function readBatches(path: string, batchSize: number): Promise<TrainingBatch[]> {
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

/** The core's denoiser, its weights constants. */
async function openSampling(
  request: JobRequest & { kind: 'sampling' },
  runtime: Runtime,
): Promise<OpenedJob> {
  const { files, batch } = request;
  const { model, layout } = networkOf(caseOf(request.case));
  const denoiser = await createDenoiser(
    runtime,
    model,
    await readWeights(files.model, layout),
    batch,
  );
  const { channels, height, width } = denoiser.signature;
  const { xt } = await readTensors(files.samples, ['xt']);
  const images = xt.slice(0, batch * channels * height * width);
  const predict = () => denoiser.predict(images, SAMPLING_TIMESTEP);
  await writeFile(request.output, await predict());
  const run = async (iterations: number) => {
    for (let i = 0; i < iterations; i++) await predict();
  };
  return { job: { run, close: () => denoiser.dispose() }, losses: [] };
}

/** A product of two matrices that are both inputs, so that nothing can be laid out before. */
async function openGemm({ size }: GemmRequest, runtime: Runtime): Promise<OpenedJob> {
  const g = new GraphBuilder();
  g.result('product', g.matmul(g.feed('a', [size, size]), g.feed('b', [size, size])));
  const executable = await runtime.compile(g.build(), { label: 'The matrix product' });
  const a = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
  const b = a.map((value) => value / 2);
  const run = async (iterations: number) => {
    for (let i = 0; i < iterations; i++) await executable.run({ a, b });
  };
  await run(1);
  return { job: { run, close: () => executable.dispose() }, losses: [] };
}
