import type { ImageBatch } from '../base/picture';
import { pipelineFolderOf } from '../checkpoint/describe';
import { openPipeline, readPipelineWeights, type Pipeline } from '../checkpoint/diffusers-folder';
import { checkPrediction } from '../diffusion/prediction';
import { makeSchedule } from '../diffusion/schedule';
import { parametersOf, signatureOf } from '../nn/model';
import type { Weights } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { conditioningPlan, conditioningSettings, type ConditioningWishes } from './conditioning';
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
const MOST_AT_ONCE = 64;

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

/** The settings that wishes come to for a model. */
export function settingsFor(model: SampledModel, wishes: SamplingWishes): SamplingSettings {
  const { pipeline, diffusion } = model;
  return {
    seed: wishes.seed,
    ...solverSettings(pipeline.sampling, diffusion.schedule, wishes),
    ...conditioningSettings(pipeline, wishes),
    ...(wishes.sameNoise ? { sameNoise: true } : {}),
  };
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
  const plan = conditioningPlan(model.pipeline, settings);
  const { count } = wishes;
  const batches = Math.ceil(count / (wishes.atOnce ?? MOST_AT_ONCE));
  const batchSize = Math.ceil(count / batches);
  const { channels, height, width } = signatureOf(model.pipeline.model);
  const size = channels * height * width;
  const images = new Float32Array(count * size);
  const cache = device instanceof DenoiserCache ? device : new DenoiserCache(device);
  let startedAt = performance.now();
  try {
    const atOnce = guidedBatch(batchSize, plan.guidance);
    const compiled = await cache.get(model.pipeline.model, model.weights, atOnce);
    startedAt = performance.now();
    for (let batch = 0; batch < batches; batch++) {
      const first = batch * batchSize;
      const present = Math.min(batchSize, count - first);
      const shown = (data: Float32Array): ImageBatch => {
        return {
          data: data.subarray(0, present * size),
          shape: [present, channels, height, width],
        };
      };
      const denoiser = guided(compiled, plan.guidance, first);
      const classes = plan.classesOf(first, batchSize);
      const { diffusion } = model;
      for await (const frame of sample({ denoiser, diffusion, settings, first, classes, signal })) {
        const { step, steps, t } = frame;
        const xt = shown(frame.xt);
        const progress = (batch + step / steps) / batches;
        const [x0, eps] = [shown(frame.x0), shown(frame.eps)];
        yield { type: 'frame', first, step, steps, t, xt, x0, eps, progress };
        if (step === steps) images.set(xt.data, first * size);
      }
    }
  } finally {
    if (cache !== device) await cache.dispose();
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
