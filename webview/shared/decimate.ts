import type { Range } from './range';

/** Thins columns to what a screen can show, without losing an extreme. Pure. */

type Numbers = ArrayLike<number>;

/** Points to draw: `x` ascending, `rows` the rows that they come from. */
export interface Points {
  readonly x: number[];
  readonly rows: number[];
}

/** The first row whose x is at least `value`, in ascending x. */
export function lowerBound(x: Numbers, value: number, length = x.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The row whose x is nearest to a value, or −1 if there is none. */
export function nearestRow(x: Numbers, value: number, length = x.length): number {
  const right = lowerBound(x, value, length);
  if (right === 0) return length > 0 ? 0 : -1;
  if (right === length) return length - 1;
  return value - x[right - 1]! <= x[right]! - value ? right - 1 : right;
}

/**
 * The rows to draw of `y` over `x` in a range: all of them, where they are no more than a few a pixel
 * column; else of each column those of its least and its greatest value, and its first one that has
 * none. So a spike of one row is never lost. One row beyond each end is kept, so that lines reach the
 * edges.
 *
 * @param x ascending; `y` as long, NaN where there is no value
 * @param columns pixel columns of the range
 */
export function decimate(
  x: Numbers,
  y: Numbers,
  range: Range,
  columns: number,
  length = x.length,
): Points {
  const first = Math.max(0, lowerBound(x, range.min, length) - 1);
  const end = Math.min(length, lowerBound(x, range.max, length) + 1);
  const points: Points = { x: [], rows: [] };
  if (end - first <= columns * 2) {
    for (let row = first; row < end; row++) add(points, x, row);
    return points;
  }
  const width = (range.max - range.min) / columns;
  let row = first;
  while (row < end) {
    const column = Math.floor((x[row]! - range.min) / width);
    const edge = range.min + (column + 1) * width;
    row = addColumn(points, x, y, row, end, edge);
  }
  return points;
}

/** Adds the extremes of the rows from `row` on that lie left of `edge`; returns the row after them. */
function addColumn(
  points: Points,
  x: Numbers,
  y: Numbers,
  first: number,
  end: number,
  edge: number,
): number {
  let least = -1;
  let most = -1;
  let missing = -1;
  let row = first;
  do {
    const value = y[row]!;
    if (Number.isNaN(value)) {
      if (missing < 0) missing = row;
    } else {
      if (least < 0 || value < y[least]!) least = row;
      if (most < 0 || value > y[most]!) most = row;
    }
    row++;
  } while (row < end && x[row]! < edge);
  const chosen = [least, most, missing].filter((each) => each >= 0).sort((a, b) => a - b);
  let before = -1;
  for (const each of chosen) {
    if (each !== before) add(points, x, each);
    before = each;
  }
  return row;
}

function add(points: Points, x: Numbers, row: number): void {
  points.x.push(x[row]!);
  points.rows.push(row);
}

/** Values at rows; null, a gap in the line, where there is none. */
export function valuesAt(y: Numbers, rows: readonly number[], isLog = false): (number | null)[] {
  return rows.map((row) => {
    const value = y[row]!;
    return Number.isFinite(value) && (!isLog || value > 0) ? value : null;
  });
}
