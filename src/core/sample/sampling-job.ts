import type { ImageBatch } from '../base/picture';
import { pipelineFolderOf } from '../checkpoint/describe';
import { openPipeline, readPipelineWeights, type Pipeline } from '../checkpoint/diffusers-folder';
import { checkPrediction } from '../diffusion/prediction';
import { makeSchedule } from '../diffusion/schedule';
import { parametersOf, signatureOf } from '../nn/model';
import type { Weights } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { conditioningPlan, conditioningSettings, type ConditioningWishes } from './conditioning';
import type { Denoiser } from './denoiser';
import { DenoiserCache } from './denoiser-cache';
import { guided, guidedBatch } from './guidance';
import { sample, type Diffusion, type SamplingSettings } from './sampler';
import { solverSettings, type SolverWishes } from './solver-settings';

/** What is asked of a sampling; what is left out is as the model's folder says. */
export interface SamplingWishes extends ConditioningWishes, SolverWishes {
  /** How many images. */
  readonly count: number;
  readonly seed: number;
  /** Draws every image from one noise. Default false. */
  readonly sameNoise?: boolean;
  /** Most images that are drawn at once. Default 64. */
  readonly atOnce?: number;
}

/** A model that was read from disk. */
export interface SampledModel {
  readonly pipeline: Pipeline;
  readonly weights: Weights;
  readonly diffusion: Diffusion;
}

/** One step of the reverse process for images `first` … `first + shape[0] − 1`. */
export interface FrameEvent {
  readonly type: 'frame';
  readonly first: number;
  /** 1 … steps, of this batch. */
  readonly step: number;
  readonly steps: number;
  readonly t: number;
  readonly xt: ImageBatch;
  readonly x0: ImageBatch;
  readonly eps: ImageBatch;
  /** Share of the whole work that is done, 0 … 1. */
  readonly progress: number;
}

export interface SampledEvent {
  readonly type: 'done';
  readonly images: ImageBatch;
  readonly settings: SamplingSettings;
  /** The class of each image, a row of the class embedding; null for a model without classes. */
  readonly classes: readonly number[] | null;
  /** From the first step to the last, without reading and compiling. */
  readonly seconds: number;
}

export type SamplingEvent = FrameEvent | SampledEvent;

/** Most images that are drawn at once. */
export const MOST_AT_ONCE = 64;

/**
 * Reads a model from a run (its latest checkpoint), a checkpoint or a diffusers folder.
 *
 * @throws UserError if it is none of these, or broken
 */
export async function openModel(target: string): Promise<SampledModel> {
  const pipeline = await openPipeline(await pipelineFolderOf(target));
  const { specs } = parametersOf(pipeline.model);
  const shapes = new Map(specs.map(({ name, shape }) => [name, shape]));
  const values = await readPipelineWeights(pipeline, shapes);
  const weights: Weights = new Map(
    specs.map(({ name, shape }) => [name, { shape, data: values.get(name)! }]),
  );
  const { prediction, ...settings } = pipeline.schedule;
  const schedule = makeSchedule(settings);
  checkPrediction(prediction, schedule);
  return { pipeline, weights, diffusion: { schedule, prediction } };
}

/** What of a model decides about the settings. */
export interface SettledModel {
  readonly pipeline: Pick<Pipeline, 'path' | 'model' | 'conditioning' | 'sampling'>;
  readonly diffusion: Diffusion;
}

/** The settings that wishes come to for a model. */
export function settingsFor(model: SettledModel, wishes: SamplingWishes): SamplingSettings {
  const { pipeline, diffusion } = model;
  return {
    seed: wishes.seed,
    ...solverSettings(pipeline.sampling, diffusion.schedule, wishes),
    ...conditioningSettings(pipeline, wishes),
    ...(wishes.sameNoise ? { sameNoise: true } : {}),
  };
}

/** A model as images are drawn with it, wherever its weights are. */
export interface DrawingModel {
  readonly pipeline: Pick<Pipeline, 'path' | 'model' | 'conditioning'>;
  readonly diffusion: Diffusion;
  readonly settings: SamplingSettings;
  /** Makes it ready to predict so many images at once. It is not disposed of here. */
  compile(images: number): Promise<Denoiser>;
}

/**
 * Draws images, yielding every step. Image i depends on the seed and i alone, not on the batch that
 * it is drawn in.
 *
 * @param device where to compute; a cache keeps the compiled model for the next sampling
 * @throws StoppedError when `signal` is aborted; UserError if the settings do not fit the model
 */
export async function* sampleImages(
  device: Runtime | DenoiserCache,
  model: SampledModel,
  wishes: SamplingWishes,
  signal?: AbortSignal,
): AsyncGenerator<SamplingEvent, void, undefined> {
  const settings = settingsFor(model, wishes);
  const cache = device instanceof DenoiserCache ? device : new DenoiserCache(device);
  const compile = (images: number) => cache.get(model.pipeline.model, model.weights, images);
  try {
    yield* drawImages({ ...model, settings, compile }, wishes, signal);
  } finally {
    if (cache !== device) await cache.dispose();
  }
}

/** Images in the batches that `count` are drawn in, and how many batches these are. */
export function batchesOf({ count, atOnce = MOST_AT_ONCE }: DrawingCounts) {
  const batches = Math.ceil(count / atOnce);
  return { batches, batchSize: Math.ceil(count / batches) };
}

type DrawingCounts = Pick<SamplingWishes, 'count' | 'atOnce'>;

/** As {@link sampleImages}, for a model that is compiled elsewhere. */
export async function* drawImages(
  model: DrawingModel,
  counts: DrawingCounts,
  signal?: AbortSignal,
): AsyncGenerator<SamplingEvent, void, undefined> {
  const { pipeline, diffusion, settings } = model;
  const plan = conditioningPlan(pipeline, settings);
  const { count } = counts;
  const { batches, batchSize } = batchesOf(counts);
  const { channels, height, width } = signatureOf(pipeline.model);
  const size = channels * height * width;
  const images = new Float32Array(count * size);
  const compiled = await model.compile(guidedBatch(batchSize, plan.guidance));
  const startedAt = performance.now();
  for (let batch = 0; batch < batches; batch++) {
    const first = batch * batchSize;
    const present = Math.min(batchSize, count - first);
    const shown = (data: Float32Array): ImageBatch => {
      return { data: data.subarray(0, present * size), shape: [present, channels, height, width] };
    };
    const denoiser = guided(compiled, plan.guidance, first);
    const classes = plan.classesOf(first, batchSize);
    for await (const frame of sample({ denoiser, diffusion, settings, first, classes, signal })) {
      const { step, steps, t } = frame;
      const xt = shown(frame.xt);
      const progress = (batch + step / steps) / batches;
      const [x0, eps] = [shown(frame.x0), shown(frame.eps)];
      yield { type: 'frame', first, step, steps, t, xt, x0, eps, progress };
      if (step === steps) images.set(xt.data, first * size);
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  yield {
    type: 'done',
    images: { data: images, shape: [count, channels, height, width] },
    settings,
    classes: plan.classesOf(0, count),
    seconds,
  };
}
