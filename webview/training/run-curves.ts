import { ColumnStore } from '../../src/engine/columns';
import type {
  EvaluationLine,
  MetricsColumns,
  MetricsDelta,
  RunHistory,
  RunSummary,
} from '../../src/engine/protocol';
import { lowerBound, nearestRow } from '../shared/decimate';
import type { Range } from '../shared/range';
import { decayOf, SmoothedColumn } from './smoothing';
import type { XAxis } from './view-state';

/** Steps without a loss that are told at most: the first ones say it. */
const MOST_BROKEN = 20;

/**
 * A run's numbers as the charts draw them: its columns, and its smoothed loss. Of a long run an overview
 * at first, until all of its rows are here.
 */
export class RunCurves {
  private kept: ColumnStore;
  /** All rows of a run of which an overview is shown, as far as they are here. */
  private incoming: ColumnStore | null;
  readonly config: unknown;
  summary: RunSummary;
  /** What was found by evaluations in its course, in order. */
  evaluations: readonly EvaluationLine[];
  private smoothed: SmoothedColumn;
  private broken: number[] = [];
  /** Rows that were searched for broken ones. */
  private searched = 0;
  private measured: number[] = [];
  /** Rows that were searched for measured ones. */
  private measuredTo = 0;

  constructor(history: RunHistory, smoothing: number) {
    this.summary = history.summary;
    this.evaluations = history.evaluations;
    this.config = history.config;
    this.kept = new ColumnStore(history.columns);
    this.incoming = history.columns.step.length < history.rows ? new ColumnStore() : null;
    this.smoothed = new SmoothedColumn(decayOf(smoothing));
    this.smoothed.follow(this.columns.loss);
  }

  get store(): ColumnStore {
    return this.kept;
  }

  get columns(): MetricsColumns {
    return this.store.view();
  }

  get length(): number {
    return this.store.length;
  }

  /** Whether the run has measured the loss on held-out images. */
  get hasHeldOut(): boolean {
    return this.heldOutRows.length > 0;
  }

  /** The rows in which it was measured. */
  get heldOutRows(): readonly number[] {
    const { heldOutLoss } = this.columns;
    for (; this.measuredTo < heldOutLoss.length; this.measuredTo++) {
      if (!Number.isNaN(heldOutLoss[this.measuredTo])) this.measured.push(this.measuredTo);
    }
    return this.measured;
  }

  /** The last row up to this one in which it was measured; null for none. */
  heldOutRow(row: number): number | null {
    const rows = this.heldOutRows;
    return rows[lowerBound(rows, row + 1) - 1] ?? null;
  }

  get smoothedLoss(): Float32Array {
    return this.smoothed.values;
  }

  /** Takes rows; those that do not fit behind what is here are left out. */
  take({ from, columns, left, evaluations }: Omit<MetricsDelta, 'run'>): void {
    if (evaluations) this.evaluations = evaluations;
    const { incoming } = this;
    if (from > (incoming ?? this.kept).length) return;
    if (!incoming) return this.write(from, columns, left);
    incoming.write(from, columns, left);
    if (left === 0) this.replace(incoming);
  }

  private replace(store: ColumnStore): void {
    this.kept = store;
    this.incoming = null;
    this.searchAgain();
    this.smoothed.follow(this.columns.loss, 0);
  }

  private write(from: number, columns: MetricsColumns, left: number): void {
    this.store.write(from, columns, left);
    if (from < Math.max(this.searched, this.measuredTo)) this.searchAgain();
    this.smoothed.follow(this.columns.loss, from);
  }

  private searchAgain(): void {
    this.broken = [];
    this.searched = 0;
    this.measured = [];
    this.measuredTo = 0;
  }

  /** Smooths over about 2^smoothing lines. */
  smooth(smoothing: number): void {
    if (decayOf(smoothing) === this.smoothed.decay) return;
    this.smoothed = new SmoothedColumn(decayOf(smoothing));
    this.smoothed.follow(this.columns.loss);
  }

  /** The column of an axis; steps where the run did not note it. */
  x(axis: XAxis): Float64Array | Float32Array {
    const columns = this.columns;
    const column = columns[axis];
    return Number.isNaN(column[0] ?? 0) || Number.isNaN(column.at(-1) ?? 0) ? columns.step : column;
  }

  /** From the first row to the last; null if there is none. */
  extent(axis: XAxis): Range | null {
    const x = this.x(axis);
    return x.length === 0 ? null : { min: x[0]!, max: x.at(-1)! };
  }

  /** Where a step lies on an axis. */
  placeOf(step: number, axis: XAxis): number {
    const row = nearestRow(this.columns.step, step);
    return row < 0 ? step : this.x(axis)[row]!;
  }

  /** The step at a place of an axis. */
  stepAt(x: number, axis: XAxis): number {
    return this.columns.step[nearestRow(this.x(axis), x)] ?? 0;
  }

  /** The place of the row before or after the one at a place. */
  neighbour(x: number, direction: 1 | -1, axis: XAxis): number {
    const places = this.x(axis);
    const row = nearestRow(places, x) + direction;
    return places[Math.min(Math.max(row, 0), places.length - 1)] ?? x;
  }

  /** The first steps at which the loss is no number. */
  get brokenSteps(): readonly number[] {
    const { step, loss } = this.columns;
    for (; this.searched < loss.length && this.broken.length < MOST_BROKEN; this.searched++) {
      if (Number.isNaN(loss[this.searched])) this.broken.push(step[this.searched]!);
    }
    return this.broken;
  }
}
