import type { LossTrendState } from '../checkpoint/checkpoint';

/** Share of the past that each step keeps: an average over some hundred steps. */
const KEPT = 0.99;

/** Steps after which the average is one of many losses, and may be the lowest. */
const SETTLED = 100;

/** The smoothed loss of a run, and when it was lowest. */
export class LossTrend {
  private sum: number;
  private weight: number;
  private best: number;
  private bestStep: number;

  /** @param state of the checkpoint that the run goes on from; null for a new run */
  constructor(state: LossTrendState | null = null) {
    this.sum = state?.sum ?? 0;
    this.weight = state?.weight ?? 0;
    this.best = state?.best ?? Infinity;
    this.bestStep = state?.bestStep ?? 0;
  }

  /** @param step 1 … */
  add(step: number, loss: number): void {
    this.sum = KEPT * this.sum + (1 - KEPT) * loss;
    this.weight = KEPT * this.weight + 1 - KEPT;
    if (step < SETTLED || this.mean >= this.best) return;
    this.best = this.mean;
    this.bestStep = step;
  }

  /** The exponential moving average of the losses, freed of its beginning at 0. */
  get mean(): number {
    return this.sum / this.weight;
  }

  /** Whether the smoothed loss has not fallen below its lowest for so many steps. */
  isStalled(step: number, patience: number): boolean {
    return step >= SETTLED && step - this.bestStep >= patience;
  }

  /** Begins to wait anew: what is gone on with has its patience before it. */
  wait(step: number): void {
    this.bestStep = step;
  }

  get state(): LossTrendState {
    const { sum, weight, best, bestStep } = this;
    return { sum, weight, best: Number.isFinite(best) ? best : null, bestStep };
  }
}
