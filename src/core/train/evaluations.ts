import type { EvaluationCost } from '../base/evaluation-cost';
import { StoppedError, UserError, withMemoryExplained } from '../base/errors';
import { mapped } from '../base/mapped';
import type { EvaluationLine } from '../checkpoint/evaluation-line';
import type { DeviceState } from '../runtime/runtime';
import { measureCost } from './evaluation-cost';
import { EvaluationPace } from './evaluation-pace';
import type { TrainEvent } from './events';
import {
  checkEvaluable,
  PeriodicEvaluation,
  type EvaluationFigures,
  type EvaluationSettings,
} from './periodic-evaluation';
import { WITHOUT } from './live-model';
import type { TrainingSetup } from './setup';

/** The evaluations in the course of a training: when they are due, and what is told of them. */
export class Evaluations {
  private readonly evaluation: PeriodicEvaluation;
  private readonly pace: EvaluationPace;
  private settings: EvaluationSettings;
  /** The step of the last; −1 while there was none. */
  private lastAt = -1;

  /** @param told the cost that was measured before; null where none was */
  constructor(
    private readonly setup: TrainingSetup,
    private readonly state: DeviceState,
    private readonly cacheFolder: string,
    told: EvaluationCost | null,
    private readonly signal?: AbortSignal,
  ) {
    const { evaluateEvery, evaluateCount } = setup.config.training;
    this.settings = { every: evaluateEvery, samples: evaluateCount };
    this.pace = new EvaluationPace(told);
    this.evaluation = new PeriodicEvaluation(setup, state, cacheFolder);
  }

  /** @throws UserError if the data set is too small for settings that are to be {@link change}d to */
  check(settings: EvaluationSettings): void {
    if (settings.every > 0) checkEvaluable(this.setup, 'leave the evaluation off');
  }

  change(settings: EvaluationSettings): void {
    this.settings = settings;
  }

  /** Whether to evaluate after a step. The training's end is evaluated too. */
  isDue(step: number, isEnd: boolean): boolean {
    const { every } = this.settings;
    return every > 0 && step !== this.lastAt && (isEnd || step % every === 0);
  }

  /** Seconds that evaluations will take from a step on. */
  secondsLeft(step: number, steps: number): number {
    return this.pace.secondsLeft(step, steps, this.settings);
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
    const cost = await measureCost(request).catch((error: unknown) => {
      throw withMemoryExplained(error, WITHOUT);
    });
    this.pace.tell(cost);
    return cost;
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
    } catch (thrown) {
      const error = withMemoryExplained(thrown, WITHOUT);
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
    const { samples } = this.settings;
    const figures = yield* mapped(
      this.evaluation.measure(samples, this.signal),
      (progress): TrainEvent => ({ type: 'evaluating', step, ...progress }),
    );
    this.pace.end(samples, this.evaluation.secondsOfLast);
    return figures;
  }

  dispose(): Promise<void> {
    return this.evaluation.dispose();
  }
}
