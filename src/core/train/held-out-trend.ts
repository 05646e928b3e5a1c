import type { HeldOutState } from '../checkpoint/checkpoint';

/** The held-out loss of a run as it is measured now and then, and when it was lowest. */
export class HeldOutTrend {
  private step: number;
  private loss: number | null;
  private best: number;
  private bestStep: number;

  /** @param state of the checkpoint that the run goes on from; null for a new run */
  constructor(state: HeldOutState | null = null) {
    this.step = state?.step ?? 0;
    this.loss = state?.loss ?? null;
    this.best = state?.best ?? Infinity;
    this.bestStep = state?.bestStep ?? 0;
  }

  /** @param step 1 … */
  add(step: number, loss: number): void {
    this.step = step;
    this.loss = Number.isFinite(loss) ? loss : null;
    if (!(loss < this.best)) return;
    this.best = loss;
    this.bestStep = step;
  }

  /** Whether the last measurement found nothing lower, so many steps or more after the lowest. */
  isStalled(patience: number): boolean {
    return this.step > this.bestStep && this.step - this.bestStep >= patience;
  }

  /** Begins to wait anew: what is gone on with has its patience before it. */
  wait(step: number): void {
    this.bestStep = step;
  }

  /** Null while nothing was measured. */
  get state(): HeldOutState | null {
    const { step, loss, best, bestStep } = this;
    if (step === 0) return null;
    return { step, loss, best: Number.isFinite(best) ? best : null, bestStep };
  }
}
