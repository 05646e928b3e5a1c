import { estimate } from '../../src/cli/evaluate-text';
import type { Evaluation, Likeness } from '../../src/core/evaluate/evaluation';
import type { Estimate } from '../../src/core/evaluate/jackknife';
import { digits, markdownTable, percent, type Cell } from '../table';

/** A training and what its samples are worth. */
export interface Judged {
  readonly evaluation: Evaluation;
  readonly trainingSeconds: number;
}

export interface QualityResult {
  readonly date: string;
  readonly processor: string;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly steps: number;
  readonly batchSize: number;
  readonly ours: Judged;
  /** Null: PyTorch was not there. */
  readonly peer: Judged | null;
}

/** How far our Fréchet distance is above PyTorch's. */
export interface Verdict {
  readonly difference: Estimate;
  /** Whether it is no further above than the standard error of the difference. */
  readonly isNoWorse: boolean;
}

export function verdictOf(ours: Estimate, peer: Estimate): Verdict {
  const value = ours.value - peer.value;
  const error = Math.hypot(ours.error, peer.error);
  return { difference: { value, error }, isNoWorse: value <= error };
}

const share = ({ value, error }: Estimate) =>
  `${(100 * value).toFixed(1)} % ± ${(100 * error).toFixed(1)}`;

function row(
  name: string,
  images: number,
  { frechet, kernel, precision, recall }: Likeness,
  accuracy: string | null,
  seconds: number | null,
): Cell[] {
  const figures = [estimate(frechet), estimate(kernel), share(precision), share(recall)];
  return [name, images, ...figures, accuracy, digits(seconds)];
}

function rowsOf(name: string, { evaluation, trainingSeconds }: Judged): Cell[][] {
  const { samples, count, classAccuracy, asMany, real } = evaluation;
  const accuracy = classAccuracy && share(classAccuracy);
  const whole = row(name, count, samples, accuracy, trainingSeconds);
  if (asMany === null) return [whole];
  return [whole, row(`${name}, as many as held out`, real.count, asMany, null, null)];
}

function verdictLine({ difference, isNoWorse }: Verdict): string {
  const { value, error } = difference;
  const far = `our Fréchet distance less PyTorch’s is ${estimate({ value, error })}`;
  return isNoWorse
    ? `Ours is no worse, within the uncertainty: ${far}.`
    : `Ours is WORSE by more than the uncertainty: ${far}.`;
}

/** The comparison as Markdown. */
export function report(result: QualityResult): string {
  const { ours, peer, versions } = result;
  const { settings, dataset, reference, real, featureSpace } = ours.evaluation;
  const head = [
    '',
    'images',
    'Fréchet distance',
    'kernel distance',
    'precision',
    'recall',
    'class accuracy',
    'training, s',
  ];
  const { accuracy } = featureSpace;
  const rows = [
    ...rowsOf('ours', ours),
    ...(peer ? rowsOf('PyTorch’s', peer) : []),
    row('held-out images', real.count, real, percent(accuracy), null),
  ];
  const guidance = settings.guidance === undefined ? '' : `, guidance ${String(settings.guidance)}`;
  const named = Object.entries(versions).map((pair) => pair.join(' '));
  const parts = [
    `${result.date.slice(0, 10)}: ${result.threads} threads on ${result.processor}; ${named.join(', ')}.`,
    `${result.steps} steps of ${result.batchSize} images of ${dataset}; ${settings.solver}, ` +
      `${settings.steps} steps${guidance}, seed ${settings.seed}; against ${reference} images, in the ` +
      `features of ${featureSpace.kind === 'classifier' ? 'a classifier' : 'an untrained network'}.`,
    markdownTable(head, rows),
    peer
      ? verdictLine(verdictOf(ours.evaluation.samples.frechet, peer.evaluation.samples.frechet))
      : 'PyTorch was not there: ours was trained and measured alone.',
  ];
  return `${parts.join('\n\n')}\n`;
}
