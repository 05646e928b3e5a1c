import type { Engine } from './engine';
import type { Window } from './window';

/** Time for the first window to come. */
const FIRST_MS = 30_000;
/** Time for another window to come, where nothing is being done. */
const NEXT_MS = 1_000;
/** The same after a training that went on without a window. */
const AFTER_TRAINING_MS = 5_000;

/** Decides when the engine has no more reason to run. */
export class Lifetime {
  private timer: NodeJS.Timeout | null = null;
  private policy: Window['whenWindowCloses'] = 'stop';
  private hadWindow = false;
  private wentOnAlone = false;

  /** @param end ends a training with a checkpoint, and then the process */
  constructor(
    private readonly engine: () => Engine,
    private readonly end: () => void,
  ) {}

  /** To be called when windows come or go, and when a training ends. */
  check(): void {
    const { windows, training } = this.engine();
    const [window] = windows;
    if (window) {
      this.hadWindow = true;
      this.wentOnAlone = false;
      // Of the last to go; while there are several, of any.
      this.policy = [...windows].at(-1)!.whenWindowCloses;
      return this.wait(null);
    }
    if (training.isBusy) {
      if (this.policy === 'stop') return this.end();
      this.wentOnAlone = true;
      return this.wait(null);
    }
    if (!this.hadWindow) return this.wait(FIRST_MS);
    this.wait(this.wentOnAlone ? AFTER_TRAINING_MS : NEXT_MS);
  }

  private wait(ms: number | null): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = ms === null ? null : setTimeout(this.end, ms);
  }
}
