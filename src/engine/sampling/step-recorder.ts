import type { ImageBatch } from '../../core/base/picture';
import { initialNoise } from '../../core/diffusion/noise';
import { epsFromX0 } from '../../core/diffusion/prediction';
import type { NoiseSchedule } from '../../core/diffusion/schedule';
import type { FrameEvent } from '../../core/sample/sampling-job';
import { pixelsOf } from '../pixels';
import type { Frame } from '../protocol';
import type { KeptJob } from './kept-jobs';

/** Predicted noise of −3 … 3 fills the range of pixels. */
const EPS_RANGE = 3;

/** Turns the steps of a sampling into frames, and keeps those of its first batch. */
export class StepRecorder {
  /** x_t as the next step finds it. */
  private before: Float32Array | null = null;

  /** @param start the images that it starts from, or the seed of their noise */
  constructor(
    private readonly kept: KeptJob,
    private readonly schedule: NoiseSchedule,
    private readonly start: Float32Array | number,
  ) {}

  frame(event: FrameEvent): Frame {
    const { first, step, steps, t, progress } = event;
    const xt = pixelsOf(event.xt);
    const x0 = pixelsOf(event.x0);
    if (first === 0) {
      if (this.kept.wants(step, steps, xt.data.byteLength)) {
        this.kept.steps.push({ step, t, xt, x0, eps: pixelsOf(this.noiseIn(event)) });
      }
      this.before = event.xt.data;
    }
    return { job: this.kept.job, first, step, steps, t, progress, xt, x0 };
  }

  /** The noise that the step saw in x_t, scaled to the range of images. */
  private noiseIn({ x0, t }: FrameEvent): ImageBatch {
    const { data, shape } = x0;
    const before = this.before ?? this.startImages(shape, data.length);
    const eps = epsFromX0(this.schedule, data, before, t);
    return { data: eps.map((value) => value / EPS_RANGE), shape };
  }

  private startImages(shape: ImageBatch['shape'], length: number): Float32Array {
    const { start: seed } = this;
    if (typeof seed !== 'number') return seed;
    const sampleSize = length / shape[0];
    return initialNoise({ seed, firstSample: 0, sampleSize }, new Float32Array(length));
  }
}
