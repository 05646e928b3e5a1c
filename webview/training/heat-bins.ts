import { lowerBound } from '../shared/decimate';
import type { Range } from '../shared/range';

/** The loss by parts of the timesteps, averaged over columns of the picture. Pure. */
export interface HeatBins {
  readonly columns: number;
  readonly parts: number;
  /** `[columns, parts]` row-major; NaN where nothing was measured. */
  readonly means: Float32Array;
  /** Of the means; NaN if there is none. */
  readonly least: number;
  readonly most: number;
}

/**
 * A column between two rows shows what the column before it does.
 *
 * @param x ascending, a row each
 * @param loss `[rows, parts]` row-major, NaN where nothing was measured
 * @param into used again where it has room enough
 */
export function binHeat(
  x: ArrayLike<number>,
  loss: Float32Array,
  parts: number,
  range: Range,
  columns: number,
  into: Float32Array = new Float32Array(columns * parts),
): HeatBins {
  const means = (
    into.length >= columns * parts ? into : new Float32Array(columns * parts)
  ).subarray(0, columns * parts);
  let least = NaN;
  let most = NaN;
  let first = lowerBound(x, range.min);
  for (let column = 0; column < columns; column++) {
    const isLast = column === columns - 1;
    const edge = range.min + ((column + 1) * (range.max - range.min)) / columns;
    const end = isLast ? lowerBound(x, nextAfter(range.max)) : lowerBound(x, edge);
    if (end === first && column > 0 && first < x.length) {
      means.copyWithin(column * parts, (column - 1) * parts, column * parts);
      continue;
    }
    for (let part = 0; part < parts; part++) {
      const mean = meanOf(loss, parts, part, first, end);
      means[column * parts + part] = mean;
      if (mean < least || Number.isNaN(least)) least = mean;
      if (mean > most || Number.isNaN(most)) most = mean;
    }
    first = end;
  }
  return { columns, parts, means, least, most };
}

function meanOf(
  loss: Float32Array,
  parts: number,
  part: number,
  first: number,
  end: number,
): number {
  let sum = 0;
  let count = 0;
  for (let at = first * parts + part; at < end * parts; at += parts) {
    const value = loss[at]!;
    if (value === value) {
      sum += value;
      count++;
    }
  }
  return count === 0 ? NaN : sum / count;
}

function nextAfter(value: number): number {
  return value + Math.max(Math.abs(value), 1) * Number.EPSILON;
}

/** Where a value lies between two on a logarithmic scale, 0 … 1. */
export function logShare(value: number, least: number, most: number): number {
  if (!(most > least) || !(least > 0)) return 0;
  return Math.min(1, Math.max(0, Math.log(value / least) / Math.log(most / least)));
}
