import type { MetricsColumns } from './protocol';

/**
 * A run's metrics as growing columns. Engine, extension host and views keep one each, so this file is
 * pure and imports types alone.
 */

/** The float64 columns first: all are aligned wherever they lie one behind the other. */
export const SERIES = [
  'step',
  'time',
  'epoch',
  'loss',
  'lr',
  'gradNorm',
  'imagesPerSecond',
  'memory',
  'heldOutLoss',
] as const;
export type SeriesName = (typeof SERIES)[number];

/** Rows that travel in one message: some megabytes. */
export const PIECE_ROWS = 50_000;
/** Rows that a new store has room for; the room doubles when it is full. */
const FIRST_ROOM = 1024;

/** Columns of a number of rows, all NaN. */
export function emptyColumns(rows: number, timestepParts: number): MetricsColumns {
  const columns = blankColumns(rows, timestepParts);
  for (const name of SERIES) columns[name].fill(NaN);
  columns.lossByTimestep.fill(NaN);
  return columns;
}

/** Columns of a number of rows, every value of which is still to be written. */
export function blankColumns(rows: number, timestepParts: number): MetricsColumns {
  return {
    step: new Float64Array(rows),
    time: new Float64Array(rows),
    epoch: new Float32Array(rows),
    loss: new Float32Array(rows),
    lr: new Float32Array(rows),
    gradNorm: new Float32Array(rows),
    imagesPerSecond: new Float32Array(rows),
    memory: new Float32Array(rows),
    heldOutLoss: new Float32Array(rows),
    lossByTimestep: new Float32Array(rows * timestepParts),
    timestepParts,
  };
}

/** Rows of metrics that are added at the end, or replaced from a row on. Room is doubled, never per row. */
export class ColumnStore {
  private room: MetricsColumns;
  private rows = 0;

  /** @param first what it starts with; copied */
  constructor(first?: MetricsColumns) {
    const rows = first?.step.length ?? 0;
    this.room = blankColumns(Math.max(rows, FIRST_ROOM), first?.timestepParts ?? 0);
    if (first) this.write(0, first);
  }

  /** Rows in it. */
  get length(): number {
    return this.rows;
  }

  get timestepParts(): number {
    return this.room.timestepParts;
  }

  /**
   * Takes rows from row `from` on, in place of those that were there.
   *
   * @param from 0 … length
   * @param left rows behind these that are to stay as they are; what was there beyond goes
   * @throws RangeError when rows between would be missing
   */
  write(from: number, columns: MetricsColumns, left = 0): void {
    if (!Number.isInteger(from) || from < 0 || from > this.rows) {
      throw new RangeError(`Rows from ${from} on do not fit behind ${this.rows} rows.`);
    }
    const end = from + columns.step.length;
    if (from === 0 || this.timestepParts === 0) this.setParts(from, columns.timestepParts);
    if (end > this.room.step.length) this.grow(end);
    for (const name of SERIES) this.room[name].set(columns[name], from);
    this.writeParts(from, columns);
    this.rows = Math.max(end, Math.min(this.rows, end + left));
  }

  /** Makes room for so many rows in all, that need not be made again. */
  reserve(rows: number): void {
    if (rows > this.room.step.length) this.reallocate(rows, this.timestepParts);
  }

  /** The columns as they lie in memory, without a copy: good until the next write. */
  view(from = 0, to = this.rows): MetricsColumns {
    return this.take(from, to, 'subarray');
  }

  /** A copy of rows, in buffers of their own length: good for sending and keeping. */
  copy(from = 0, to = this.rows): MetricsColumns {
    return this.take(from, to, 'slice');
  }

  private take(from: number, to: number, how: 'subarray' | 'slice'): MetricsColumns {
    const { room } = this;
    const parts = room.timestepParts;
    return {
      step: room.step[how](from, to),
      time: room.time[how](from, to),
      epoch: room.epoch[how](from, to),
      loss: room.loss[how](from, to),
      lr: room.lr[how](from, to),
      gradNorm: room.gradNorm[how](from, to),
      imagesPerSecond: room.imagesPerSecond[how](from, to),
      memory: room.memory[how](from, to),
      heldOutLoss: room.heldOutLoss[how](from, to),
      lossByTimestep: room.lossByTimestep[how](from * parts, to * parts),
      timestepParts: parts,
    };
  }

  /** Rows that are split into another number of parts than this store's have no values there. */
  private writeParts(from: number, columns: MetricsColumns): void {
    const parts = this.timestepParts;
    const { lossByTimestep } = this.room;
    if (columns.timestepParts === parts) lossByTimestep.set(columns.lossByTimestep, from * parts);
    else lossByTimestep.fill(NaN, from * parts, (from + columns.step.length) * parts);
  }

  private setParts(rowsToKeep: number, timestepParts: number): void {
    if (timestepParts === this.timestepParts) return;
    this.rows = rowsToKeep;
    this.reallocate(this.room.step.length, timestepParts);
  }

  private grow(rows: number): void {
    this.reallocate(Math.max(rows, this.room.step.length * 2), this.timestepParts);
  }

  private reallocate(room: number, timestepParts: number): void {
    const kept = this.view();
    this.room = blankColumns(room, timestepParts);
    for (const name of SERIES) this.room[name].set(kept[name]);
    const { lossByTimestep } = this.room;
    if (kept.timestepParts === timestepParts) lossByTimestep.set(kept.lossByTimestep);
    else lossByTimestep.fill(NaN, 0, this.rows * timestepParts);
  }
}
