import { initialNoise, solverNoise, type NoiseBatch } from '../diffusion/noise';
import type { PredictionKind } from '../diffusion/prediction';
import type { NoiseSchedule } from '../diffusion/schedule';
import { SOLVERS } from '../diffusion/solvers';
import { planFrom, planSteps, type StepPlan } from '../diffusion/solvers/plan';
import type { ConditioningSettings } from './conditioning';
import type { Denoiser } from './denoiser';
import { predictor } from './self-conditioning';
import type { SolverSettings } from './solver-settings';

/** How to sample. */
export interface SamplingSettings extends ConditioningSettings, SolverSettings {
  readonly seed: number;
  /** Draws every image from the noise of image 0, to compare classes and guidance. Default false. */
  readonly sameNoise?: boolean;
}

/** What a model was trained for. */
export interface Diffusion {
  readonly schedule: NoiseSchedule;
  readonly prediction: PredictionKind;
}

/** One step of the reverse process for a batch of images. */
export interface SampleFrame {
  /** 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The timestep at which the model was asked; not whole for some solvers. */
  readonly t: number;
  /** The images after the step, `[N, C, H, W]`. */
  readonly xt: Float32Array;
  /** The clean images as the model sees them at this step, `[N, C, H, W]`. */
  readonly x0: Float32Array;
  /** The noise that it sees beside them, `[N, C, H, W]`. */
  readonly eps: Float32Array;
}

export interface SampleRequest {
  readonly denoiser: Denoiser;
  readonly diffusion: Diffusion;
  readonly settings: SamplingSettings;
  /** Number of the first image: image i is the same whatever batch it is drawn in. */
  readonly first?: number;
  readonly classes?: ArrayLike<number> | null;
  readonly signal?: AbortSignal;
}

/** Images on the way between clean and noise, and how far. */
export interface NoisedImages {
  /** `[N, C, H, W]`. */
  readonly xt: Float32Array;
  /** The timestep that they were noised to, 0 … T−1. */
  readonly t: number;
}

/**
 * Draws a batch of images from noise, and yields every step on the way.
 *
 * @throws StoppedError when the signal is aborted
 * @throws UserError if the settings do not fit the schedule
 */
export async function* sample(
  request: SampleRequest,
): AsyncGenerator<SampleFrame, void, undefined> {
  const { denoiser, diffusion, settings } = request;
  const noise = noiseBatch(request);
  const xT = initialNoise(noise, new Float32Array(denoiser.batchSize * noise.sampleSize));
  const { schedule } = diffusion;
  const plan = planSteps(settings.solver, { ...settings, schedule });
  yield* reverse(request, plan.start === 1 ? xT : xT.map((x) => x * plan.start), plan);
}

/**
 * The rest of the reverse process from noised images on, and every step on the way. The settings' steps,
 * 1 … t + 1, are spread over t … 0, whatever their spacing: the first has to be where the images are.
 *
 * @throws StoppedError when the signal is aborted
 * @throws UserError if the settings do not fit t and the schedule
 */
export async function* sampleFrom(
  { xt, t }: NoisedImages,
  request: SampleRequest,
): AsyncGenerator<SampleFrame, void, undefined> {
  const { settings, diffusion } = request;
  const { schedule } = diffusion;
  yield* reverse(request, xt, planFrom(settings.solver, t, { ...settings, schedule }));
}

function reverse(
  request: SampleRequest,
  start: Float32Array,
  { timesteps, sigmas }: StepPlan,
): AsyncGenerator<SampleFrame, void, undefined> {
  const { denoiser, diffusion, settings, classes = null, signal } = request;
  const { schedule, prediction } = diffusion;
  const predict = predictor(denoiser, diffusion, classes);
  const batch = noiseBatch(request);
  return SOLVERS[settings.solver].solver(predict, start, {
    ...settings,
    schedule,
    timesteps,
    sigmas,
    prediction,
    rederiveEps: leadsBeyond(settings),
    sampleSize: batch.sampleSize,
    noise: (step, out) => solverNoise(batch, step, out),
    signal,
  });
}

/**
 * Whether guidance goes beyond the class's own prediction, to where x0 is clipped in earnest. DDIM then has
 * to take the eps of the clipped x0: the model's own holds what was cut off with the opposite sign, and
 * would lead away from the class.
 */
function leadsBeyond({ guidance = 1 }: SamplingSettings): boolean {
  return [guidance].flat().some((scale) => scale > 1);
}

function noiseBatch({ denoiser, settings, first = 0 }: SampleRequest): NoiseBatch {
  const { channels, height, width } = denoiser.signature;
  const sampleSize = channels * height * width;
  const { seed, sameNoise = false } = settings;
  return { seed, firstSample: sameNoise ? 0 : first, sampleSize, isShared: sameNoise };
}

/** The last images of {@link sample}. */
export async function sampleToEnd(request: SampleRequest): Promise<Float32Array> {
  let images: Float32Array | null = null;
  for await (const frame of sample(request)) images = frame.xt;
  if (!images) throw new Error('sampling took no step');
  return images;
}
