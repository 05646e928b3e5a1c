import type { ChartMark } from '../shared/chart';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

/** What happened to a run beside its metrics. */
export interface RunEvents {
  /** Steps from which it was resumed. */
  readonly resumedAt: readonly number[];
}

/** A run's checkpoints as flags; where it was resumed, and where the loss is no number, as lines. */
export function runMarks(run: RunCurves, events: RunEvents, axis: XAxis): ChartMark[] {
  const at = (step: number) => run.placeOf(step, axis);
  const checkpoints = [...run.summary.checkpoints].sort((a, b) => a.step - b.step);
  return [
    ...events.resumedAt.map((step) => mark(at(step), '--chart-3', 'line')),
    ...run.brokenSteps.map((step) => mark(at(step), '--chart-5', 'line')),
    ...checkpoints.map(({ step }) => mark(at(step), '--chart-6', 'flag')),
  ];
}

function mark(x: number, color: ChartMark['color'], shape: ChartMark['shape']): ChartMark {
  return { x, color, shape };
}
