/** The middle of the values; the mean of the two middle ones of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The median of each round's own ratio: what slows both sides of a round does not count. */
export function medianRatio(over: readonly number[], under: readonly number[]): number {
  return median(over.map((value, round) => value / under[round]!));
}

/** How far the rounds lie apart: (largest − smallest) / median. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** The largest difference of two arrays, relative to the largest value of the first. */
export function relativeDifference(truth: Float32Array, other: Float32Array): number {
  if (truth.length !== other.length) return Infinity;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < truth.length; i++) {
    difference = Math.max(difference, Math.abs(truth[i]! - other[i]!));
    largest = Math.max(largest, Math.abs(truth[i]!));
  }
  return Number.isNaN(difference) ? Infinity : difference / largest;
}
