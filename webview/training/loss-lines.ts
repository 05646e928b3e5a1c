import uPlot from 'uplot';
import type { AlignedData } from 'uplot';
import type { ChartSeries } from '../shared/chart';
import { decimate, lowerBound, nearestRow, valuesAt } from '../shared/decimate';
import type { Range } from '../shared/range';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

/**
 * The lines of the loss chart: the run's loss, that smoothed, that on held-out images, and other runs. They
 * differ by colour and by dashes, and the first two by width, so that no one has to tell colours apart.
 */

/** What is measured once in many steps is drawn with a point at each measuring. */
const HELD_OUT: ChartSeries = {
  label: 'held out',
  color: '--chart-2',
  width: 2,
  dash: [7, 4],
  hasPoints: true,
};

/** Of other runs, in the order in which they are given out. The last has the colour of held-out loss. */
const OTHERS = [
  { color: '--chart-3', dash: [12, 3] },
  { color: '--chart-4', dash: [2, 3] },
  { color: '--chart-5', dash: [12, 3, 2, 3] },
  { color: '--chart-6', dash: [5, 2] },
  { color: '--chart-2', dash: [12, 3, 2, 3, 2, 3] },
] as const;

/** Runs that can be laid over at once. */
export const MOST_OVERLAYS = OTHERS.length;

export interface LossLines {
  readonly run: RunCurves;
  readonly overlays: readonly RunCurves[];
  readonly isSmooth: boolean;
}

export function lossSeries({ run, overlays, isSmooth }: LossLines): ChartSeries[] {
  const others = overlays.map((each, i) => ({
    ...OTHERS[i]!,
    label: each.summary.name,
    width: 1.5,
  }));
  return [
    { label: 'loss', color: '--chart-0', width: 1, alpha: isSmooth ? 0.5 : 1 },
    ...(isSmooth ? [{ label: 'smoothed', color: '--chart-1', width: 2.5 } as const] : []),
    ...(run.hasHeldOut ? [HELD_OUT] : []),
    ...others,
  ];
}

/** The value of each of these lines at a place of the axis, or its newest; NaN for none. */
export function lossValues(
  { run, overlays, isSmooth }: LossLines,
  at: number | null,
  axis: XAxis,
): number[] {
  const rowOf = (each: RunCurves) => (at === null ? each.length - 1 : nearestRow(each.x(axis), at));
  const row = rowOf(run);
  const measured = run.heldOutRow(row);
  const { loss, heldOutLoss } = run.columns;
  return [
    loss[row] ?? NaN,
    ...(isSmooth ? [run.smoothedLoss[row] ?? NaN] : []),
    ...(run.hasHeldOut ? [measured === null ? NaN : heldOutLoss[measured]!] : []),
    ...overlays.map((each) => each.smoothedLoss[rowOf(each)] ?? NaN),
  ];
}

/** What is drawn of these lines, and how. */
export interface LossDrawing {
  readonly range: Range;
  readonly axis: XAxis;
  readonly isLog: boolean;
  /** Pixel columns of the chart. */
  readonly columns: number;
}

/** The columns of these lines over one x. */
export function lossData(
  { run, overlays, isSmooth }: LossLines,
  drawing: LossDrawing,
): AlignedData {
  const { range, axis, isLog, columns } = drawing;
  const tableOf = (each: RunCurves, isOwn: boolean): AlignedData => {
    const raw = each.columns.loss;
    const drawn = isOwn || !isSmooth ? raw : each.smoothedLoss;
    const { x, rows } = decimate(each.x(axis), drawn, range, columns);
    const table: [number[], ...(number | null)[][]] = [x, valuesAt(drawn, rows, isLog)];
    if (isOwn && isSmooth) table.push(valuesAt(each.smoothedLoss, rows, isLog));
    return table;
  };
  const tables = [
    tableOf(run, true),
    ...(run.hasHeldOut ? [heldOutTable(run, drawing)] : []),
    ...overlays.map((each) => tableOf(each, false)),
  ];
  return tables.length === 1 ? tables[0]! : uPlot.join(tables);
}

/** The held-out loss where it was measured, and one place beyond either end of what is shown. */
function heldOutTable(run: RunCurves, { range, axis, isLog }: LossDrawing): AlignedData {
  const x = run.x(axis);
  const measured = run.heldOutRows;
  const places = measured.map((row) => x[row]!);
  const first = Math.max(0, lowerBound(places, range.min) - 1);
  const rows = measured.slice(first, lowerBound(places, range.max) + 1);
  return [rows.map((row) => x[row]!), valuesAt(run.columns.heldOutLoss, rows, isLog)];
}
