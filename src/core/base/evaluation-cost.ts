import { duration } from './number-text';

/** Samples that an evaluation in the course of a training may have. */
export const FEWEST_EVALUATED = 100;
export const MOST_EVALUATED = 10_000;

/** What it costs to evaluate every so often in the course of a training, as it was measured. */
export interface EvaluationCost {
  /** Samples of each evaluation. */
  readonly samples: number;
  /** Before the first: training the classifier if it is not kept yet, and the data set's features. */
  readonly secondsOnce: number;
  /** Drawing and comparing the samples. */
  readonly secondsEach: number;
  /** Of a training step beside it. */
  readonly secondsPerStep: number;
}

/** Seconds that are not worth a word. */
const LEAST_TOLD = 0.1;

/** What evaluations add to the time of the steps between them, as a share of it. */
export function addedShare({ secondsEach, secondsPerStep }: EvaluationCost, every: number): number {
  return secondsEach / (every * secondsPerStep);
}

/** "about 12 s each, which makes the training 9 % longer, and once 40 s to learn the features". */
export function costText(cost: EvaluationCost, every: number): string {
  const share = 100 * addedShare(cost, every);
  const longer = share < 0.95 ? share.toFixed(1) : String(Math.round(share));
  const { secondsEach, secondsOnce } = cost;
  const each = `about ${duration(secondsEach)} each, which makes the training ${longer} % longer`;
  const isKnown = secondsOnce < LEAST_TOLD;
  return isKnown ? each : `${each}, and once ${duration(secondsOnce)} to learn the features`;
}
