import { throwIfStopped } from '../base/errors';
import { normals, Stream } from '../base/random';
import { addNoise } from '../diffusion/forward';
import { clipX0, toPrediction, trainingTarget } from '../diffusion/prediction';
import type { Denoiser } from './denoiser';
import type { Diffusion } from './sampler';
import type { LabelledImages } from '../data/images';

/** Mean squared error of the model's prediction at one timestep. */
export interface TimestepLoss {
  readonly t: number;
  readonly loss: number;
  /** Standard error over the images. */
  readonly error: number;
}

/** Up to `most` timesteps in the middles of equal parts of 0 … T−1. */
export function lossTimesteps(timesteps: number, most: number): number[] {
  const parts = Math.min(most, timesteps);
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 0.5) * timesteps) / parts));
}

/**
 * The training loss without weights, by timestep, on images that are given; the noise is the same for
 * every model. A self-conditioned one is asked twice: what is measured has its own estimate of x0.
 *
 * @param most timesteps that are looked at, from the first to the last, evenly
 * @throws StoppedError when the signal is aborted
 */
export async function lossByTimestep(
  denoiser: Denoiser,
  diffusion: Diffusion,
  images: LabelledImages,
  most: number,
  signal?: AbortSignal,
): Promise<TimestepLoss[]> {
  const found: TimestepLoss[] = [];
  for (const t of lossTimesteps(diffusion.schedule.timesteps, most)) {
    const losses: number[] = [];
    for (let first = 0; first < images.count; first += denoiser.batchSize) {
      throwIfStopped(signal);
      losses.push(...(await lossesAt(denoiser, diffusion, images, first, t)));
    }
    const mean = losses.reduce((a, b) => a + b, 0) / losses.length;
    const variance = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / losses.length;
    found.push({ t, loss: mean, error: Math.sqrt(variance / losses.length) });
  }
  return found;
}

/** Losses of images `first` …, as many as the denoiser takes at once. */
async function lossesAt(
  denoiser: Denoiser,
  diffusion: Diffusion,
  images: LabelledImages,
  first: number,
  t: number,
): Promise<number[]> {
  const { schedule, prediction } = diffusion;
  const { batchSize } = denoiser;
  const size = images.data.length / images.count;
  const present = Math.min(batchSize, images.count - first);
  const x0 = new Float32Array(batchSize * size);
  x0.set(images.data.subarray(first * size, (first + present) * size));
  const labels = new Int32Array(batchSize);
  labels.set(images.labels.subarray(first, first + present));
  const eps = new Float32Array(x0.length);
  for (let i = 0; i < batchSize; i++) {
    const index = first + i + 1;
    normals({ seed: t, stream: Stream.heldOut, index }, eps.subarray(i * size, (i + 1) * size));
  }
  const xt = addNoise(schedule, x0, eps, t);
  const target = trainingTarget(prediction, schedule, x0, eps, t);
  const classes = denoiser.signature.classes === null ? null : labels;
  const output = await outputFor(denoiser, diffusion, xt, t, classes);
  return Array.from({ length: present }, (_, i) => {
    let sum = 0;
    for (let k = i * size; k < (i + 1) * size; k++) sum += (output[k]! - target[k]!) ** 2;
    return sum / size;
  });
}

async function outputFor(
  denoiser: Denoiser,
  { schedule, prediction }: Diffusion,
  xt: Float32Array,
  t: number,
  classes: ArrayLike<number> | null,
): Promise<Float32Array> {
  const output = await denoiser.predict(xt, t, classes);
  if (!denoiser.signature.selfCondition) return output;
  const { x0 } = toPrediction(prediction, schedule, output, xt, t);
  return denoiser.predict(xt, t, classes, clipX0(x0, true));
}
