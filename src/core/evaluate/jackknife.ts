/** A figure and its standard error, both in the figure's unit. */
export interface Estimate {
  readonly value: number;
  readonly error: number;
}

/** Groups that are left out in turn. */
export const GROUPS = 10;

/** Begin and end of each of {@link GROUPS} groups of `count` things, as alike in size as can be. */
export function groupBounds(count: number): readonly (readonly [from: number, to: number])[] {
  const groups = Math.min(GROUPS, count);
  const bound = (i: number) => Math.round((i * count) / groups);
  return Array.from({ length: groups }, (_, i) => [bound(i), bound(i + 1)] as const);
}

/**
 * The standard error of a figure by the delete-a-group jackknife (Wolter, Introduction to Variance
 * Estimation, 2007, eq. 4.2.3): how it moves as each group of the sample is left out.
 *
 * @param without the figure without each group
 */
export function jackknifeError(without: readonly number[]): number {
  const groups = without.length;
  if (groups < 2) return NaN;
  const mean = without.reduce((a, b) => a + b, 0) / groups;
  const squares = without.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(((groups - 1) / groups) * squares);
}

/** A share of `count` things, 0 … 1, with its binomial standard error. */
export function shareOf(value: number, count: number): Estimate {
  return { value, error: Math.sqrt((value * (1 - value)) / count) };
}
