import { describe, expect, it } from 'vitest';
import { median, medianRatio, relativeDifference, spread } from './statistics';

describe('median', () => {
  it('is the middle, or the mean of the two in the middle', () => {
    expect(median([10, 9, 2])).toBe(9);
    expect(median([10, 9, 2, 4])).toBe(6.5);
  });
});

describe('medianRatio', () => {
  it('takes the ratio of each round, so that a slow round of both does not count', () => {
    expect(medianRatio([2, 200, 2], [1, 100, 4])).toBe(2);
  });
});

describe('spread', () => {
  it('is the range over the median', () => {
    expect(spread([4, 5, 7])).toBeCloseTo(0.6);
  });
});

describe('relativeDifference', () => {
  it('is of the largest value, and infinite where values cannot be compared', () => {
    expect(relativeDifference(Float32Array.of(1, -4), Float32Array.of(2, -4))).toBe(0.25);
    expect(relativeDifference(Float32Array.of(1), Float32Array.of(NaN))).toBe(Infinity);
    expect(relativeDifference(Float32Array.of(1), Float32Array.of(1, 2))).toBe(Infinity);
  });
});
