import type { ImageBatch } from '../core/base/picture';
import type { FrameEvent } from '../core/sample/sampling-job';

/** Frames that an animation has at most. */
const MOST = 100;

/** Collects the steps of a sampling, evenly thinned out where there are very many. */
export class Animation {
  private readonly kept: ImageBatch[] = [];
  private last: ImageBatch | null = null;

  add({ step, steps, xt }: FrameEvent): void {
    const every = Math.ceil(steps / MOST);
    if (step === steps) this.last = xt;
    else if ((step - 1) % every === 0) this.kept.push(xt);
  }

  frames(): ImageBatch[] {
    return this.last ? [...this.kept, this.last] : [...this.kept];
  }
}
