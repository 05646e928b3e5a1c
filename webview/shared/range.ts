/** A stretch of an axis, in its units; `min` ≤ `max`. */
export interface Range {
  readonly min: number;
  readonly max: number;
}
