/**
 * The exponential moving average of a column, without the pull to zero of its start (Kingma and Ba,
 * Adam, section 3): `m ← β·m + (1−β)·y`, divided by `1 − β^k` after k values. Rows without a value
 * have none here either, and change nothing.
 */
export class SmoothedColumn {
  private room = new Float32Array(1024);
  private rows = 0;
  private mean = 0;
  private weight = 0;

  /** @param decay β, 0 (the column itself) … below 1 */
  constructor(readonly decay: number) {}

  /** The smoothed column so far; good until the next call. */
  get values(): Float32Array {
    return this.room.subarray(0, this.rows);
  }

  /** Follows a column: goes on behind the rows it has, or begins anew where `from` is before them. */
  follow(column: Float32Array, from = this.rows): void {
    if (from < this.rows) this.rows = this.mean = this.weight = 0;
    if (column.length > this.room.length) this.grow(column.length);
    for (let row = this.rows; row < column.length; row++) this.room[row] = this.next(column[row]!);
    this.rows = column.length;
  }

  private next(value: number): number {
    if (!Number.isFinite(value)) return NaN;
    this.mean = this.decay * this.mean + (1 - this.decay) * value;
    this.weight = this.decay * this.weight + (1 - this.decay);
    return this.mean / this.weight;
  }

  private grow(rows: number): void {
    const room = new Float32Array(Math.max(rows, this.room.length * 2));
    room.set(this.values);
    this.room = room;
  }
}

/** β of an average over about 2^exponent lines; exponent 0 is no smoothing. */
export function decayOf(exponent: number): number {
  return 1 - 2 ** -exponent;
}
