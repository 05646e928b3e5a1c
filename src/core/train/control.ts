import type { EvaluationCost } from '../base/evaluation-cost';
import { StoppedError } from '../base/errors';
import type { EvaluationSettings } from './periodic-evaluation';

/** Where a checkpoint that was asked for lies. */
export interface SavedCheckpoint {
  readonly step: number;
  readonly path: string;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * What may be asked of a training from outside, honoured between two of its steps, and between two predictions of
 * an evaluation: to hold, to go on, to write a checkpoint, to evaluate every so often and to say what that costs.
 * One control belongs to one training, and may be used before its start.
 */
export class TrainingControl {
  private held = false;
  private ended = false;
  private waiters: Waiter<SavedCheckpoint>[] = [];
  private costs: { readonly samples: number; readonly waiter: Waiter<EvaluationCost> }[] = [];
  private plans: { readonly settings: EvaluationSettings; readonly waiter: Waiter<void> }[] = [];
  private wake: () => void = () => undefined;

  /** Whether the training is to hold before its next step. */
  get isHeld(): boolean {
    return this.held;
  }

  /** Whether a checkpoint was asked for and not yet written. */
  get wantsCheckpoint(): boolean {
    return this.waiters.length > 0;
  }

  /** Whether it is to hold, or anything is to be done first. */
  get hasWishes(): boolean {
    return this.held || this.hasWork;
  }

  private get hasWork(): boolean {
    return this.wantsCheckpoint || this.costs.length > 0 || this.plans.length > 0;
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
    return this.asked((waiter) => this.waiters.push(waiter));
  }

  /**
   * From now on evaluates every so often, or with `every` 0 no more; the run keeps it.
   *
   * @throws UserError if it cannot be done; StoppedError if the training ends before
   */
  evaluate(settings: EvaluationSettings): Promise<void> {
    return this.asked((waiter) => this.plans.push({ settings, waiter }));
  }

  /**
   * Asks what evaluating costs, also while held.
   *
   * @throws UserError if it cannot be told; StoppedError if the training ends before
   */
  evaluationCost(samples: number): Promise<EvaluationCost> {
    return this.asked((waiter) => this.costs.push({ samples, waiter }));
  }

  private asked<T>(ask: (waiter: Waiter<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new StoppedError('the training has ended'));
      ask({ resolve, reject });
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
      if (!this.held || this.hasWork || signal?.aborted) return done();
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

  /** For the training: takes on how it is to evaluate from now on, if that was asked for. */
  async answerPlan(take: (settings: EvaluationSettings) => Promise<void>): Promise<void> {
    const asked = this.plans.shift();
    if (asked) await take(asked.settings).then(asked.waiter.resolve, asked.waiter.reject);
  }

  /** For the training: answers the first that asked for a cost, if there is one. */
  async answerCost(measure: (samples: number) => Promise<EvaluationCost>): Promise<void> {
    const asked = this.costs.shift();
    if (asked) await measure(asked.samples).then(asked.waiter.resolve, asked.waiter.reject);
  }

  /** For the training: it is over. */
  end(): void {
    this.ended = true;
    const error = new StoppedError('the training ended before');
    this.notSaved(error);
    for (const { waiter } of [...this.costs.splice(0), ...this.plans.splice(0)])
      waiter.reject(error);
  }

  private takeWaiters(): Waiter<SavedCheckpoint>[] {
    const waiters = this.waiters;
    this.waiters = [];
    return waiters;
  }
}
