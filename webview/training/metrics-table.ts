import { evenRows } from '../shared/data-table';
import type { TableContent } from '../shared/data-table';
import { lowerBound, nearestRow } from '../shared/decimate';
import { count, duration, figure } from '../shared/format';
import type { Range } from '../shared/range';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

/** A column of a run's metrics that has a chart. */
export type MetricName = 'loss' | 'lr' | 'gradNorm' | 'imagesPerSecond' | 'memory';

/** The twin of a chart: rows of what it shows, evenly spread. */
export function metricsTable(
  run: RunCurves | null,
  range: Range | null,
  axis: XAxis,
  name: MetricName,
  title: string,
): TableContent {
  const heldOut = name === 'loss' && run?.hasHeldOut ? ['Held out, last measured'] : [];
  const values = name === 'loss' ? ['Loss', 'Smoothed', ...heldOut] : [title];
  const head = ['Step', 'Time', 'Epoch', ...values];
  if (!run || !range) return { caption: title, head, rows: [] };
  const { columns, smoothedLoss } = run;
  const x = run.x(axis);
  const first = lowerBound(x, range.min);
  const shown = Math.max(0, nearestRow(x, range.max) + 1 - first);
  const rows = evenRows(shown)
    .map((each) => first + each)
    .map((row) => [
      count(columns.step[row]!),
      duration(columns.time[row]!),
      figure(columns.epoch[row]!),
      figure(columns[name][row]!),
      ...(name === 'loss' ? [figure(smoothedLoss[row]!)] : []),
      ...heldOut.map(() => figure(columns.heldOutLoss[run.heldOutRow(row) ?? -1] ?? NaN)),
    ]);
  return { caption: `${title} of ${run.summary.name}`, head, rows };
}
