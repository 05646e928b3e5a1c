import { nearestRow } from '../shared/decimate';
import { h, setText } from '../shared/dom';
import { count, duration, figure } from '../shared/format';
import type { RunCurves } from './run-curves';
import type { XAxis } from './view-state';

/** The numbers at the cross hair; where there is none, the newest. */
export class Readout {
  readonly element = h('output', { class: 'readout numeric', 'aria-live': 'off' });

  show(run: RunCurves, overlays: readonly RunCurves[], at: number | null, axis: XAxis): void {
    this.element.setAttribute('aria-live', at === null ? 'off' : 'polite');
    setText(this.element, readoutText(run, overlays, at, axis));
  }
}

/** One line on the row at a place of the axis, or on the last. */
export function readoutText(
  run: RunCurves,
  overlays: readonly RunCurves[],
  at: number | null,
  axis: XAxis,
): string {
  const row = at === null ? run.length - 1 : nearestRow(run.x(axis), at);
  if (row < 0) return 'No step has been taken yet.';
  const { step, time, epoch, loss, lr, gradNorm, imagesPerSecond, memory } = run.columns;
  const isCheckpoint = run.summary.checkpoints.some((each) => each.step === step[row]);
  const parts = [
    `step ${count(step[row]!)}`,
    Number.isFinite(time[row]) && duration(time[row]!),
    Number.isFinite(epoch[row]) && `epoch ${epoch[row]!.toFixed(2)}`,
    lossText(loss[row]!, run.smoothedLoss[row]!),
    heldOutText(run, row),
    Number.isFinite(lr[row]) && `rate ${figure(lr[row]!)}`,
    Number.isFinite(gradNorm[row]) && `gradient ${figure(gradNorm[row]!)}`,
    Number.isFinite(imagesPerSecond[row]) && `${figure(imagesPerSecond[row]!)} images / s`,
    Number.isFinite(memory[row]) && `${count(memory[row]!)} MB`,
    isCheckpoint && 'checkpoint',
    ...overlays.map((each) => overlayText(each, at, axis)),
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

/** As it was measured last; of an earlier step, that too. */
function heldOutText(run: RunCurves, row: number): string | false {
  const measured = run.heldOutRow(row);
  if (measured === null) return false;
  const { heldOutLoss, step } = run.columns;
  const when = measured === row ? '' : ` (step ${count(step[measured]!)})`;
  return `held out ${figure(heldOutLoss[measured]!)}${when}`;
}

function lossText(loss: number, smoothed: number): string {
  if (Number.isNaN(loss)) return 'the loss is no number';
  return smoothed === loss ? `loss ${figure(loss)}` : `loss ${figure(loss)} (${figure(smoothed)})`;
}

function overlayText(run: RunCurves, at: number | null, axis: XAxis): string {
  const row = at === null ? run.length - 1 : nearestRow(run.x(axis), at);
  return `${run.summary.name} ${figure(run.smoothedLoss[row] ?? NaN)}`;
}
