import type { StepResult } from './stepper';

/** Steps whose mean loss is looked at. */
const WINDOW = 10;

/** A mean loss that many times the first one, or 1 if that was smaller, is an explosion. */
const EXPLOSION = 30;

/** Watches for a loss that is no number, or has exploded. */
export class Divergence {
  private limit: number | null = null;
  private last = 0;
  private readonly recent: number[] = [];

  /** Whether the last loss alone is as high: what was learnt then is not worth keeping. */
  get isNear(): boolean {
    return this.limit !== null && this.last > this.limit;
  }

  seenIn({ loss, gradNorm }: Pick<StepResult, 'loss' | 'gradNorm'>): boolean {
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) return true;
    this.last = loss;
    this.limit ??= EXPLOSION * Math.max(1, loss);
    this.recent.push(loss);
    if (this.recent.length < WINDOW) return false;
    const mean = this.recent.reduce((sum, value) => sum + value, 0) / WINDOW;
    this.recent.shift();
    return mean > this.limit;
  }
}
