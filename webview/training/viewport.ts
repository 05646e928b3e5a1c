import type { Range } from '../shared/range';

/** Zooming and panning over what there is. Null is all of it. Pure. */

/** A zoom is no narrower than this share of all. */
const NARROWEST = 1e-6;

/** A range put inside of all; null where it covers all. */
export function within(range: Range, all: Range): Range | null {
  const whole = all.max - all.min;
  const width = Math.max(range.max - range.min, whole * NARROWEST);
  if (!(width < whole)) return null;
  const min = Math.min(Math.max(range.min, all.min), all.max - width);
  return { min, max: min + width };
}

/** Moved by an amount, not beyond the ends. */
export function panned(zoom: Range | null, by: number, all: Range): Range | null {
  if (!zoom) return null;
  return within({ min: zoom.min + by, max: zoom.max + by }, all);
}

/** Widened by a factor (below 1: narrowed) around a place that stays where it is. */
export function scaled(
  zoom: Range | null,
  factor: number,
  around: number,
  all: Range,
): Range | null {
  const { min, max } = zoom ?? all;
  return within(
    { min: around - (around - min) * factor, max: around + (max - around) * factor },
    all,
  );
}
