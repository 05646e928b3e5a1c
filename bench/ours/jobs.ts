import { writeFile } from 'node:fs/promises';
import { GraphBuilder } from '../../src/core/graph/builder';
import { openBatches, type Batches } from '../../src/core/data/batches';
import { openSource } from '../../src/core/data/open';
import { pack } from '../../src/core/nn/parameters';
import type { Runtime } from '../../src/core/runtime/runtime';
import { createDenoiser } from '../../src/core/sample/denoiser';
import { initialVectors, Stepper, type TrainingVectors } from '../../src/core/train/stepper';
import { caseOf, networkOf, SEED } from '../cases';
import {
  SAMPLING_TIMESTEP,
  type JobRequest,
  type OwnRequest,
  type StepSettings,
} from '../protocol';
import { readBatches, readTensors, readWeights } from './read';

/** Something that can be computed over and over. */
export interface Job {
  run(iterations: number): Promise<void>;
  close(): Promise<void>;
}

interface OpenedJob {
  readonly job: Job;
  readonly losses: readonly number[];
}

/** What jobs compute on, and where the program's files lie. */
export interface Place {
  readonly runtime: Runtime;
  readonly workerFile: string;
  readonly cacheFolder: string;
}

type Asked<K extends string> = Extract<JobRequest | OwnRequest, { kind: K }>;

export function openJob(request: JobRequest | OwnRequest, place: Place): Promise<OpenedJob> {
  switch (request.kind) {
    case 'training':
      return openTraining(request, place);
    case 'fed-training':
      return openFedTraining(request, place);
    case 'sampling':
      return openSampling(request, place);
    case 'batches':
      return openBatchJob(request, place);
    case 'gemm':
      return openGemm(request, place);
  }
}

function repeating(once: () => Promise<unknown>, close: () => Promise<void>): Job {
  const run = async (iterations: number) => {
    for (let i = 0; i < iterations; i++) await once();
  };
  return { run, close };
}

function createStepper(
  id: string,
  { weightDecay }: StepSettings,
  runtime: Runtime,
  vectors: TrainingVectors,
): Promise<Stepper> {
  const { step, schedule, prediction } = networkOf(caseOf(id));
  const options = { runtime, step, schedule, prediction, minSnrGamma: null, weightDecay, seed: 0 };
  return Stepper.create(options, vectors);
}

/** The core's training step on the file's batches in turns, which are in memory already. */
async function openTraining(request: Asked<'training'>, { runtime }: Place): Promise<OpenedJob> {
  const { files, settings } = request;
  const { layout } = networkOf(caseOf(request.case));
  const params = pack(layout, await readWeights(files.model, layout));
  const zeros = () => new Float32Array(layout.total);
  const vectors = { params, expAvg: zeros(), expAvgSq: zeros(), ema: params };
  const stepper = await createStepper(request.case, settings, runtime, vectors);
  const batches = await readBatches(files.batches, settings.batchSize);
  let done = 0;
  const next = async () => {
    const batch = batches[done % batches.length]!;
    done++;
    return (await stepper.run([batch], done, settings.lr, settings.emaDecay)).loss;
  };
  const losses: number[] = [];
  while (losses.length < request.steps) losses.push(await next());
  return { job: repeating(next, () => stepper.dispose()), losses };
}

async function batchesOf(
  request: Omit<Asked<'batches'>, 'kind'>,
  { workerFile, cacheFolder }: Place,
): Promise<Batches> {
  const { dataset, imageSize, channels, batchSize } = request;
  const source = await openSource(dataset, { imageSize, channels, cacheFolder });
  const recipe = { batchSize, timesteps: 1000, seed: SEED, horizontalFlip: false };
  return openBatches({ ...recipe, source, firstIndex: 0, workerFile });
}

async function openFedTraining(
  { case: id, settings }: Asked<'fed-training'>,
  place: Place,
): Promise<OpenedJob> {
  const { config, step } = networkOf(caseOf(id));
  const { dataset, imageSize, channels } = config;
  const { batchSize } = settings;
  const images = { dataset, imageSize: imageSize!, channels: channels!, batchSize };
  const batches = await batchesOf(images, place);
  const vectors = initialVectors(step, SEED);
  const stepper = await createStepper(id, settings, place.runtime, vectors);
  let done = 0;
  const next = async () => {
    const batch = await batches.next();
    done++;
    await stepper.run([batch], done, settings.lr, settings.emaDecay);
    batches.recycle(batch);
  };
  const close = async () => {
    await batches.close();
    await stepper.dispose();
  };
  return { job: repeating(next, close), losses: [] };
}

async function openBatchJob(request: Asked<'batches'>, place: Place): Promise<OpenedJob> {
  const batches = await batchesOf(request, place);
  const next = async () => batches.recycle(await batches.next());
  return { job: repeating(next, () => batches.close()), losses: [] };
}

/** The core's denoiser, its weights constants. */
async function openSampling(request: Asked<'sampling'>, { runtime }: Place): Promise<OpenedJob> {
  const { files, batch } = request;
  const { model, layout } = networkOf(caseOf(request.case));
  const weights = await readWeights(files.model, layout);
  const denoiser = await createDenoiser(runtime, model, weights, batch);
  const { channels, height, width } = denoiser.signature;
  const { xt } = await readTensors(files.samples, ['xt']);
  const images = xt.slice(0, batch * channels * height * width);
  const predict = () => denoiser.predict(images, SAMPLING_TIMESTEP);
  await writeFile(request.output, await predict());
  return { job: repeating(predict, () => denoiser.dispose()), losses: [] };
}

/** A product of two matrices that are both inputs, so that nothing can be laid out before. */
async function openGemm({ size }: Asked<'gemm'>, { runtime }: Place): Promise<OpenedJob> {
  const g = new GraphBuilder();
  g.result('product', g.matmul(g.feed('a', [size, size]), g.feed('b', [size, size])));
  const executable = await runtime.compile(g.build(), { label: 'The matrix product' });
  const a = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
  const b = a.map((value) => value / 2);
  const multiply = () => executable.run({ a, b });
  await multiply();
  return { job: repeating(multiply, () => executable.dispose()), losses: [] };
}
