import { costText } from '../core/base/evaluation-cost';
import type { EvaluationLine } from '../core/checkpoint/evaluation-line';
import { EVALUATION_STAGES } from '../core/evaluate/evaluation';
import type { EvaluatingEvent, EvaluationPlanEvent } from '../core/train/events';
import { estimate } from './evaluate-text';
import { count, figure } from './format';

/** "Evaluating 200 samples every 500 steps: about 12 s each, …"; empty where nothing is evaluated. */
export function planText({ every, samples, cost }: EvaluationPlanEvent): string {
  if (every === 0) return '';
  const what = `Evaluating ${count(samples)} samples every ${count(every)} steps`;
  return cost ? `${what}: ${costText(cost, every)}` : what;
}

/** "Evaluating: drawing samples 42 %". */
export function evaluatingText({ stage, share }: EvaluatingEvent): string {
  return `Evaluating: ${EVALUATION_STAGES[stage]} ${Math.floor(100 * share)} %`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** "Fréchet 0.610 ± 0.050 (held-out images 0.1200)". */
export function frechetText({ frechet, frechetError, frechetHeldOut }: EvaluationLine): string {
  const held = frechetHeldOut === null ? '' : ` (held-out images ${figure(frechetHeldOut)})`;
  return `Fréchet ${estimate({ value: frechet, error: frechetError })}${held}`;
}

/** All figures of an evaluation in a line. */
export function evaluationLineText(line: EvaluationLine): string {
  return `evaluated ${evaluatedText(line)}`;
}

/** "step 500: Fréchet 0.610 ± 0.050 · precision 71.0 % · …". */
export function evaluatedText(line: EvaluationLine): string {
  const { precision, recall, classAccuracy } = line;
  const classes = classAccuracy === null ? '' : ` · class accuracy ${percent(classAccuracy)}`;
  return (
    `step ${count(line.step)}: ${frechetText(line)} · ` +
    `precision ${percent(precision)} · recall ${percent(recall)}${classes}`
  );
}
