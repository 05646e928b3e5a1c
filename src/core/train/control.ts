import { StoppedError } from '../base/errors';

/** Where a checkpoint that was asked for lies. */
export interface SavedCheckpoint {
  readonly step: number;
  readonly path: string;
}

interface Waiter {
  resolve(saved: SavedCheckpoint): void;
  reject(error: unknown): void;
}

/**
 * What may be asked of a training from outside, honoured between two of its steps: to hold, to go on,
 * and to write a checkpoint. One control belongs to one training, and may be used before its start.
 */
export class TrainingControl {
  private held = false;
  private ended = false;
  private waiters: Waiter[] = [];
  private wake: () => void = () => undefined;

  /** Whether the training is to hold before its next step. */
  get isHeld(): boolean {
    return this.held;
  }

  /** Whether a checkpoint was asked for and not yet written. */
  get wantsCheckpoint(): boolean {
    return this.waiters.length > 0;
  }

  /** Holds the training before its next step; it says `paused` when it is held. */
  pause(): void {
    this.held = true;
  }

  unpause(): void {
    this.held = false;
    this.wake();
  }

  /**
   * Asks for a checkpoint after the step that is being taken, also while held.
   *
   * @throws UserError if it cannot be written; StoppedError if the training ends before
   */
  checkpointNow(): Promise<SavedCheckpoint> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new StoppedError('the training has ended'));
      this.waiters.push({ resolve, reject });
      this.wake();
    });
  }

  /** For the training: settles when there is something to do, or `signal` is aborted. */
  whileHeld(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.wake = () => undefined;
        signal?.removeEventListener('abort', done);
        resolve();
      };
      if (!this.held || this.wantsCheckpoint || signal?.aborted) return done();
      this.wake = done;
      signal?.addEventListener('abort', done);
    });
  }

  /** For the training: answers all that asked for a checkpoint. */
  saved(checkpoint: SavedCheckpoint): void {
    this.takeWaiters().forEach((waiter) => waiter.resolve(checkpoint));
  }

  /** For the training: the checkpoint that was asked for could not be written. */
  notSaved(error: unknown): void {
    this.takeWaiters().forEach((waiter) => waiter.reject(error));
  }

  /** For the training: it is over. */
  end(): void {
    this.ended = true;
    this.notSaved(new StoppedError('the training ended before'));
  }

  private takeWaiters(): Waiter[] {
    const waiters = this.waiters;
    this.waiters = [];
    return waiters;
  }
}
