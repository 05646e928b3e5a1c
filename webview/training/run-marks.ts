import type { ChartMark } from '../shared/marks';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

export const MARKS = {
  checkpoint: { label: 'checkpoint', color: '--chart-6', shape: 'flag' },
  resumed: { label: 'resumed', color: '--chart-3', shape: 'line' },
  broken: { label: 'loss is no number', color: '--chart-5', shape: 'line' },
} as const;
export type MarkKind = keyof typeof MARKS;

export interface RunMark extends ChartMark {
  readonly kind: MarkKind;
}

/** A run's checkpoints, where it was resumed, and where the loss is no number. */
export function runMarks(run: RunCurves, axis: XAxis): RunMark[] {
  const checkpoints = run.summary.checkpoints.map(({ step }) => step).sort((a, b) => a - b);
  const marksAt = (kind: MarkKind, steps: readonly number[]) =>
    steps.map((step): RunMark => ({ ...MARKS[kind], kind, x: run.placeOf(step, axis) }));
  return [
    ...marksAt('resumed', run.summary.resumedAt),
    ...marksAt('broken', run.brokenSteps),
    ...marksAt('checkpoint', checkpoints),
  ];
}
