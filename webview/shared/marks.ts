/** A vertical line at x. */
export interface ChartMark {
  readonly x: number;
  readonly color: `--${string}`;
  /** A line from top to bottom, or a small flag at the bottom. */
  readonly shape: 'line' | 'flag';
}

/** A mark, and the pixel column it is drawn in. */
export interface PlacedMark<T extends Pick<ChartMark, 'shape'>> {
  readonly mark: T;
  readonly x: number;
}

/** The marks to draw: every line, and of flags nearer than `least` to the last one drawn, only that one. */
export function sparseMarks<T extends Pick<ChartMark, 'shape'>>(
  marks: readonly PlacedMark<T>[],
  least: number,
): PlacedMark<T>[] {
  let last = -Infinity;
  return marks.filter(({ mark, x }) => {
    if (mark.shape === 'line') return true;
    if (Math.abs(x - last) < least) return false;
    last = x;
    return true;
  });
}
