import { describe, expect, it } from 'vitest';
import { binHeat, logShare } from './heat-bins';

const x = [1, 2, 3, 4, 5, 6, 7, 8];
/** Two parts: the step, and ten times the step. */
const loss = Float32Array.from({ length: 16 }, (_, i) => x[i >> 1]! * (i % 2 === 0 ? 1 : 10));

describe('binHeat', () => {
  it('averages the rows of a column, part by part', () => {
    const bins = binHeat(x, loss, 2, { min: 1, max: 8 }, 2);
    expect([...bins.means]).toEqual([2.5, 25, 6.5, 65]);
    expect(bins).toMatchObject({ least: 2.5, most: 65 });
  });

  it('shows what is zoomed in to', () => {
    const bins = binHeat(x, loss, 2, { min: 3, max: 4 }, 2);
    expect([...bins.means]).toEqual([3, 30, 4, 40]);
  });

  it('passes over what was not measured', () => {
    const torn = loss.slice();
    torn[2] = NaN;
    const bins = binHeat(x, torn, 2, { min: 1, max: 8 }, 2);
    expect(bins.means[0]).toBeCloseTo((1 + 3 + 4) / 3, 6);
    expect(binHeat([1], Float32Array.of(NaN, 1), 2, { min: 1, max: 2 }, 1).means[0]).toBeNaN();
  });

  it('fills columns between rows with the one before', () => {
    const bins = binHeat([0, 10], Float32Array.of(1, 5), 1, { min: 0, max: 10 }, 4);
    expect([...bins.means]).toEqual([1, 1, 1, 5]);
  });

  it('uses memory again', () => {
    const room = new Float32Array(100);
    const bins = binHeat(x, loss, 2, { min: 1, max: 8 }, 4, room);
    expect(bins.means.buffer).toBe(room.buffer);
    expect(bins.means).toHaveLength(8);
  });

  it('has no least and most of nothing', () => {
    expect(binHeat([], new Float32Array(0), 2, { min: 0, max: 1 }, 3)).toMatchObject({
      least: NaN,
      most: NaN,
    });
  });
});

describe('logShare', () => {
  it('is even in the logarithm, inside 0 … 1', () => {
    expect(logShare(0.1, 0.01, 1)).toBeCloseTo(0.5, 12);
    expect(logShare(0.01, 0.01, 1)).toBe(0);
    expect(logShare(5, 0.01, 1)).toBe(1);
    expect(logShare(1, 1, 1)).toBe(0);
    expect(logShare(1, 0, 1)).toBe(0);
  });
});
