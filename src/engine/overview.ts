import { blankColumns, SERIES } from './columns';
import type { MetricsColumns } from './protocol';

/** Runs of more rows are shown by an overview first: an editor takes its time to pass on megabytes. */
export const LONG_ROWS = 30_000;
/** Stretches of which an overview shows the ends and peaks: more than a screen has columns of pixels. */
const STRETCHES = 2000;

/**
 * Some thousand of a long run's rows, in order: of each short stretch the first, those of the least and
 * the greatest loss and gradient, the first without a loss, and the first with a held-out loss. So a spike of one step is in it.
 */
export function overviewOf(columns: MetricsColumns): MetricsColumns {
  const rows = columns.step.length;
  const chosen: number[] = [];
  for (let stretch = 0; stretch < STRETCHES; stretch++) {
    const from = Math.floor((stretch * rows) / STRETCHES);
    const to = Math.floor(((stretch + 1) * rows) / STRETCHES);
    if (from < to) chosen.push(...telling(columns, from, to));
  }
  if (rows > 0 && chosen.at(-1) !== rows - 1) chosen.push(rows - 1);
  return pick(columns, chosen);
}

/** The rows of a stretch that tell most of it, in order. */
function telling(
  { loss, gradNorm, heldOutLoss }: MetricsColumns,
  from: number,
  to: number,
): number[] {
  let [least, greatest, flattest, steepest] = [from, from, from, from];
  let missing = from;
  let measured = from;
  for (let row = from; row < to; row++) {
    // A row without a loss gives way to any other.
    if (!(loss[least]! <= loss[row]!) && !Number.isNaN(loss[row])) least = row;
    if (!(loss[greatest]! >= loss[row]!) && !Number.isNaN(loss[row])) greatest = row;
    if (gradNorm[row]! < gradNorm[flattest]!) flattest = row;
    if (gradNorm[row]! > gradNorm[steepest]!) steepest = row;
    if (Number.isNaN(loss[row]) && !Number.isNaN(loss[missing])) missing = row;
    if (Number.isNaN(heldOutLoss[measured]) && !Number.isNaN(heldOutLoss[row])) measured = row;
  }
  const all = [from, least, greatest, flattest, steepest, missing, measured];
  return [...new Set(all)].sort((a, b) => a - b);
}

function pick(columns: MetricsColumns, chosen: readonly number[]): MetricsColumns {
  const { timestepParts: parts, lossByTimestep } = columns;
  const picked = blankColumns(chosen.length, parts);
  for (const name of SERIES) {
    const [from, into] = [columns[name], picked[name]];
    chosen.forEach((row, i) => (into[i] = from[row]!));
  }
  chosen.forEach((row, i) => {
    picked.lossByTimestep.set(lossByTimestep.subarray(row * parts, (row + 1) * parts), i * parts);
  });
  return picked;
}
