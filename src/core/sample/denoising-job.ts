import { UserError } from '../base/errors';
import type { ImageBatch } from '../base/picture';
import { isSameNoise, type NoiseSchedule } from '../diffusion/schedule';
import { SOLVERS } from '../diffusion/solvers';
import { timestepsFrom } from '../diffusion/spacing';
import { signatureOf } from '../nn/model';
import type { Runtime } from '../runtime/runtime';
import { DenoiserCache } from './denoiser-cache';
import { conditioningPlan } from './conditioning';
import { guided, guidedBatch } from './guidance';
import { sampleFrom } from './sampler';
import { defaultSolver } from './solver-settings';
import {
  settingsFor,
  type SampledModel,
  type SamplingEvent,
  type SamplingWishes,
} from './sampling-job';

/** Noised images as they were made, to be denoised. */
export interface NoisedStart {
  /** x_t. */
  readonly images: ImageBatch;
  /** 0 … T−1. */
  readonly t: number;
  /** By which they were noised. */
  readonly schedule: NoiseSchedule;
}

/** What is asked of a denoising; steps left out are the solver's default for t + 1 timesteps. */
export type DenoisingWishes = Omit<SamplingWishes, 'count' | 'atOnce' | 'spacing' | 'sameNoise'>;

/**
 * What wishes come to as those of a sampling, in count, steps and spacing.
 *
 * @throws UserError if model, images, schedule and steps do not fit each other
 */
export function denoisingWishes(
  model: SampledModel,
  start: NoisedStart,
  wishes: DenoisingWishes,
): SamplingWishes {
  checkFit(model, start);
  const { images, t } = start;
  const solver = wishes.solver ?? defaultSolver(model.pipeline.sampling);
  const steps = wishes.steps ?? Math.max(1, SOLVERS[solver].defaultSteps(t + 1));
  timestepsFrom(t, steps);
  return { ...unled(model, wishes), count: images.shape[0], steps, spacing: 'trailing' };
}

/** An image whose class no one named is denoised for none, where the model has a null class. */
function unled({ pipeline }: SampledModel, wishes: DenoisingWishes): DenoisingWishes {
  const isOpen = wishes.classes === undefined && wishes.guidance === undefined;
  return isOpen && pipeline.conditioning.nullClass !== null ? { ...wishes, guidance: 0 } : wishes;
}

/**
 * Denoises images from where they are, yielding every step; each as the image of its number in a
 * sampling would be.
 *
 * @param device where to compute; a cache keeps the compiled model for the next time
 * @throws StoppedError when `signal` is aborted; UserError if the settings do not fit
 */
export async function* denoiseImages(
  device: Runtime | DenoiserCache,
  model: SampledModel,
  start: NoisedStart,
  wishes: DenoisingWishes,
  signal?: AbortSignal,
): AsyncGenerator<SamplingEvent, void, undefined> {
  const settings = settingsFor(model, denoisingWishes(model, start, wishes));
  const plan = conditioningPlan(model.pipeline, settings);
  const { images, t: from } = start;
  const { shape } = images;
  const cache = device instanceof DenoiserCache ? device : new DenoiserCache(device);
  let startedAt = performance.now();
  let last = images.data;
  try {
    const atOnce = guidedBatch(shape[0], plan.guidance);
    const compiled = await cache.get(model.pipeline.model, model.weights, atOnce);
    const denoiser = guided(compiled, plan.guidance);
    startedAt = performance.now();
    const classes = plan.classesOf(0, shape[0]);
    const request = { denoiser, diffusion: model.diffusion, settings, classes, signal };
    for await (const frame of sampleFrom({ xt: images.data, t: from }, request)) {
      const { step, steps, t } = frame;
      const progress = step / steps;
      const [xt, x0, eps] = [frame.xt, frame.x0, frame.eps].map((data) => ({ data, shape }));
      yield { type: 'frame', first: 0, step, steps, t, progress, xt: xt!, x0: x0!, eps: eps! };
      last = frame.xt;
    }
  } finally {
    if (cache !== device) await cache.dispose();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const classes = plan.classesOf(0, shape[0]);
  yield { type: 'done', images: { data: last.slice(), shape }, settings, classes, seconds };
}

/** @throws UserError if the model was not trained for such images or another noise */
function checkFit(
  { pipeline, diffusion }: SampledModel,
  { images, t, schedule }: NoisedStart,
): void {
  const { channels, height, width } = signatureOf(pipeline.model);
  const [, c, h, w] = images.shape;
  if (c !== channels || h !== height || w !== width) {
    throw new UserError(
      `The image is ${w} × ${h} with ${c} channels, but ${pipeline.path} takes ${width} × ${height} ` +
        `with ${channels}; read the image in that size.`,
    );
  }
  if (!isSameNoise(schedule, diffusion.schedule)) {
    throw new UserError(
      `The image was noised by another schedule than ${pipeline.path} was trained with; use the model's.`,
    );
  }
  if (t >= schedule.timesteps) {
    throw new UserError(
      `The timestep to denoise from is ${t}; the model has the timesteps 0 to ${schedule.timesteps - 1}.`,
    );
  }
}
