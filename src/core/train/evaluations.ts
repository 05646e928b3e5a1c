import type { EvaluationCost } from '../base/evaluation-cost';
import { StoppedError, UserError } from '../base/errors';
import type { EvaluationLine } from '../checkpoint/evaluation-line';
import type { DeviceState } from '../runtime/runtime';
import { measureCost } from './evaluation-cost';
import type { TrainEvent } from './events';
import {
  checkEvaluable,
  PeriodicEvaluation,
  type EvaluationFigures,
  type EvaluationSettings,
} from './periodic-evaluation';
import type { TrainingSetup } from './setup';

/** The evaluations in the course of a training: when they are due, and what is told of them. */
export class Evaluations {
  private readonly evaluation: PeriodicEvaluation;
  private settings: EvaluationSettings;
  /** The step of the last; −1 while there was none. */
  private lastAt = -1;

  constructor(
    private readonly setup: TrainingSetup,
    private readonly state: DeviceState,
    private readonly cacheFolder: string,
    private readonly signal?: AbortSignal,
  ) {
    const { evaluateEvery, evaluateCount } = setup.config.training;
    this.settings = { every: evaluateEvery, samples: evaluateCount };
    this.evaluation = new PeriodicEvaluation(setup, state, cacheFolder);
  }

  /** @throws UserError if the data set is too small */
  change(settings: EvaluationSettings): void {
    if (settings.every > 0) checkEvaluable(this.setup, 'leave the evaluation off');
    this.settings = settings;
  }

  /** Whether to evaluate after a step. The training's end is evaluated too. */
  isDue(step: number, isEnd: boolean): boolean {
    const { every } = this.settings;
    return every > 0 && step !== this.lastAt && (isEnd || step % every === 0);
  }

  /** Seconds that evaluations will take from a step on. */
  secondsLeft(step: number, steps: number): number {
    return this.evaluation.secondsLeft(step, steps, this.settings);
  }

  /**
   * @param secondsPerStep NaN while no step was taken
   * @throws UserError if it cannot be told
   */
  async cost(samples: number, secondsPerStep: number): Promise<EvaluationCost> {
    const { setup, state, cacheFolder, signal } = this;
    checkEvaluable(setup, 'leave the evaluation off');
    if (Number.isNaN(secondsPerStep)) {
      throw new UserError('No step has been taken yet to compare the cost with; ask again soon.');
    }
    const { isOpen } = this.evaluation;
    const request = { setup, state, samples, secondsPerStep, cacheFolder, isOpen, signal };
    return measureCost(request);
  }

  /**
   * Evaluates after a step. One that is stopped, or cannot be done, is left out, and ends without a line.
   *
   * @param time seconds of training so far
   */
  async *run(step: number, time: number): AsyncGenerator<TrainEvent, void, undefined> {
    const startedAt = performance.now();
    this.lastAt = step;
    let figures: EvaluationFigures | null = null;
    try {
      figures = yield* this.measure(step);
    } catch (error) {
      if (error instanceof UserError) {
        yield { type: 'warning', message: `The evaluation was left out: ${error.message}` };
      } else if (!(error instanceof StoppedError)) throw error;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const line: EvaluationLine | null = figures && {
      type: 'evaluation',
      step,
      time,
      ...figures,
      seconds,
    };
    yield { type: 'evaluation', line };
  }

  private async *measure(step: number): AsyncGenerator<TrainEvent, EvaluationFigures, undefined> {
    const work = this.evaluation.measure(this.settings.samples, this.signal);
    let next = await work.next();
    try {
      for (; !next.done; next = await work.next()) {
        yield { type: 'evaluating', step, ...next.value };
      }
      return next.value;
    } finally {
      if (!next.done) await work.return(undefined as never);
    }
  }

  dispose(): Promise<void> {
    return this.evaluation.dispose();
  }
}
