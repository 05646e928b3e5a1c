import type { StepResult } from './stepper';

/** Steps whose mean loss is looked at. */
const WINDOW = 10;

/** A mean loss that many times the lowest one is an explosion. */
const EXPLOSION = 30;

/** Lower means count as this much: what is learnt well may come and go. */
const LEAST_BASELINE = 0.2;

/** Watches for a loss that is no number, or has exploded. */
export class Divergence {
  private lowest = Infinity;
  private last = 0;
  private readonly recent: number[] = [];

  /** Whether the last loss alone is as high: what was learnt then is not worth keeping. */
  get isNear(): boolean {
    return this.last > this.limit;
  }

  private get limit(): number {
    return EXPLOSION * Math.max(LEAST_BASELINE, this.lowest);
  }

  seenIn({ loss, gradNorm }: Pick<StepResult, 'loss' | 'gradNorm'>): boolean {
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) return true;
    this.last = loss;
    if (this.lowest === Infinity) this.lowest = loss;
    this.recent.push(loss);
    if (this.recent.length < WINDOW) return false;
    const mean = this.recent.reduce((sum, value) => sum + value, 0) / WINDOW;
    this.recent.shift();
    this.lowest = Math.min(this.lowest, mean);
    return mean > this.limit;
  }
}
