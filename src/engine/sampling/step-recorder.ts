import type { ImageBatch } from '../../core/base/picture';
import type { FrameEvent } from '../../core/sample/sampling-job';
import { pixelsOf } from '../pixels';
import type { Frame } from '../protocol';
import type { KeptJob } from './kept-jobs';

/** Predicted noise of −3 … 3 fills the range of pixels. */
const EPS_RANGE = 3;

/** A step of a sampling as a frame; those of its first batch are kept. */
export function recordStep(kept: KeptJob, event: FrameEvent): Frame {
  const { first, step, steps, t, progress } = event;
  const xt = pixelsOf(event.xt);
  const x0 = pixelsOf(event.x0);
  if (first === 0 && kept.wants(step, steps, xt.data.byteLength)) {
    kept.steps.push({ step, t, xt, x0, eps: pixelsOf(inRange(event.eps)) });
  }
  return { job: kept.job, first, step, steps, t, progress, xt, x0 };
}

/** The predicted noise, scaled to the range of images. */
function inRange({ data, shape }: ImageBatch): ImageBatch {
  return { data: data.map((value) => value / EPS_RANGE), shape };
}
