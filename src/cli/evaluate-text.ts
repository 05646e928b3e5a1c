import type { AccuracyObstacle } from '../core/evaluate/class-accuracy';
import type { Evaluation, Likeness } from '../core/evaluate/evaluation';
import type { Estimate } from '../core/evaluate/jackknife';
import type { TimestepLoss } from '../core/sample/model-loss';
import { count, duration, fields, plural, shortPath } from './format';
import { solverLine } from './sample-solver';

/** A figure and its error, with as many digits as the error lets stand. */
export function estimate({ value, error }: Estimate): string {
  const digits = Number.isFinite(error) && error > 0 ? Math.ceil(-Math.log10(error)) + 1 : 3;
  const places = Math.min(6, Math.max(0, digits));
  return `${value.toFixed(places)} ± ${error.toFixed(places)}`;
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function percentage({ value, error }: Estimate): string {
  return `${percent(value)} ± ${(100 * error).toFixed(1)}`;
}

/** Rows of texts as columns, the first to the left and the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!),
    );
    return `  ${cells.join('   ')}`.trimEnd();
  });
}

function likenessRow(name: string, images: number, likeness: Likeness): string[] {
  const { frechet, kernel, precision, recall } = likeness;
  const figures = [estimate(frechet), estimate(kernel), percentage(precision), percentage(recall)];
  return [name, count(images), ...figures];
}

function lossTable(heldOut: readonly TimestepLoss[], train: readonly TimestepLoss[]): string[] {
  const rows = heldOut.map((measured, i) => [
    String(measured.t),
    estimate({ value: measured.loss, error: measured.error }),
    estimate({ value: train[i]!.loss, error: train[i]!.error }),
  ]);
  return table([['t', 'held out', 'training images'], ...rows]);
}

const OBSTACLES: Readonly<Record<AccuracyObstacle, string>> = {
  'no classes': 'the model has no classes',
  'other classes': "the model's classes are not, by name and order, those of the data set",
  'no classifier': 'the data set has no two classes that a classifier could tell apart',
};

function accuracyLine({ classAccuracy, accuracyObstacle }: Evaluation): string {
  if (classAccuracy) {
    const share = percentage(classAccuracy);
    return `Class accuracy: to ${share} of the samples the classifier gives the class that was asked for.`;
  }
  const why = accuracyObstacle ? OBSTACLES[accuracyObstacle] : 'no class was asked for';
  return `Class accuracy: not measured, since ${why}.`;
}

/** An evaluation as lines for people. */
export function evaluationText(found: Evaluation, bold: (text: string) => string): string[] {
  const { settings, featureSpace, memorisation, loss, real } = found;
  const space =
    featureSpace.accuracy === null
      ? 'of an untrained network: the data set has no classes'
      : `of a classifier that is right on ${percent(featureSpace.accuracy)} of held-out images`;
  const guidance =
    settings.guidance === undefined ? '' : `, guidance ${[settings.guidance].flat().join(', ')}`;
  return [
    `${bold('Evaluated')} ${shortPath(found.model)} in ${duration(found.seconds)}`,
    ...fields([
      [
        'samples',
        `${plural(found.count, 'image')}, ${solverLine(settings)}, seed ${settings.seed}${guidance}`,
      ],
      ['against', `${plural(found.reference, 'image')} of ${found.dataset}`],
      ['features', space],
    ]),
    '',
    bold('How like the data set (± standard error)'),
    ...table([
      ['', 'images', 'Fréchet distance', 'kernel distance', 'precision', 'recall'],
      likenessRow('samples', found.count, found.samples),
      ...(found.asMany ? [likenessRow('as many samples', real.count, found.asMany)] : []),
      likenessRow('held-out images', real.count, real),
    ]),
    '',
    accuracyLine(found),
    '',
    bold('Copies? Distance to the nearest training image'),
    ...table([
      ['', '5 % are nearer than', 'half are nearer than'],
      ...(['samples', 'heldOut'] as const).map((key) => [
        key === 'samples' ? 'samples' : 'held-out images',
        memorisation[key].fifthPercentile.toFixed(3),
        memorisation[key].median.toFixed(3),
      ]),
    ]),
    `  ${percent(memorisation.suspicious)} of the samples are as near as the nearest 1 % of held-out images.`,
    '',
    bold(`Loss by timestep (mean squared error, ± standard error)`),
    ...lossTable(loss.heldOut, loss.train),
    ...(found.sawHeldOut
      ? [
          '',
          'The model was trained on the held-out images too, or that is unknown: train with --hold-out 0.1',
          '(from new weights, on 100 images or more) for a loss that tells whether it learns by heart.',
        ]
      : []),
  ];
}
