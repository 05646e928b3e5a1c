/** Why no share of samples with the right class can be told. */
export type AccuracyObstacle =
  /** The model draws no class in particular. */
  | 'no classes'
  /** Its classes are not, by name and order, those of the data set: a classifier of these knows them not. */
  | 'other classes'
  /** The data set has no two classes for a classifier to tell apart. */
  | 'no classifier';

/**
 * What stands against giving a classifier of the data set's classes the samples of a model.
 *
 * @param model names of the model's classes; null where it has none
 * @param data names of the data set's classes; null where it has none
 * @returns null where nothing does
 */
export function accuracyObstacle(
  model: readonly string[] | null,
  data: readonly string[] | null,
): AccuracyObstacle | null {
  if (model === null) return 'no classes';
  if (data === null || data.length < 2) return 'no classifier';
  const isSame = model.length === data.length && model.every((name, i) => name === data[i]);
  return isSame ? null : 'other classes';
}
