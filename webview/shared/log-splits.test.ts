import { describe, expect, it } from 'vitest';
import { logSplits } from './log-splits';

describe('logSplits', () => {
  it('are the digits of each power of ten', () => {
    expect(logSplits(0.0996, 3)).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3]);
    expect(logSplits(7e-5, 2e-4)).toEqual([7e-5, 8e-5, 9e-5, 1e-4, 2e-4]);
  });

  it('are even where few digits lie in a scale', () => {
    expect(logSplits(0.0311, 0.0342)).toEqual([0.032, 0.033, 0.034]);
    expect(logSplits(1234, 1241)).toEqual([1234, 1236, 1238, 1240]);
  });

  it('are some, in order and inside, of any scale', () => {
    for (let min = 1e-9; min < 1e9; min *= 1.037) {
      for (const factor of [1.01, 1.3, 2, 9, 30, 1e6]) {
        const splits = logSplits(min, min * factor);
        expect(splits.length).toBeGreaterThan(1);
        expect(splits.length).toBeLessThan(100);
        expect(splits).toEqual([...splits].sort((a, b) => a - b));
        expect(splits[0]).toBeGreaterThanOrEqual(min);
        expect(splits.at(-1)).toBeLessThanOrEqual(min * factor);
      }
    }
  });
});
