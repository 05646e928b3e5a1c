import { describe, expect, it } from 'vitest';
import { decayOf, SmoothedColumn } from './smoothing';

/** The closed form: weights (1−β)·β^(k−i), over their sum. */
function closedForm(values: readonly number[], decay: number): number {
  const weights = values.map((_, i) => (1 - decay) * decay ** (values.length - 1 - i));
  const sum = values.reduce((total, value, i) => total + value * weights[i]!, 0);
  return sum / weights.reduce((total, weight) => total + weight, 0);
}

const loss = Float32Array.from({ length: 300 }, (_, i) => 1 / (1 + i / 10) + ((i * 7) % 5) / 50);

function smoothed(column: Float32Array, decay: number): Float32Array {
  const made = new SmoothedColumn(decay);
  made.follow(column);
  return made.values;
}

describe('SmoothedColumn', () => {
  it.each([0.5, 0.9, 0.99])('is the closed form for β = %d', (decay) => {
    const values = smoothed(loss, decay);
    for (const row of [0, 1, 2, 50, 299]) {
      expect(values[row]).toBeCloseTo(closedForm([...loss.subarray(0, row + 1)], decay), 5);
    }
  });

  it('begins at the first value, without a pull to zero', () => {
    expect(smoothed(loss, 0.999)[0]).toBe(loss[0]);
  });

  it('is the column itself for β = 0', () => {
    expect(smoothed(loss, decayOf(0))).toEqual(loss);
  });

  it('stays at a constant', () => {
    const constant = new Float32Array(5000).fill(0.25);
    expect(smoothed(constant, 0.99).every((value) => Math.abs(value - 0.25) < 1e-6)).toBe(true);
  });

  it('is the same however the column came', () => {
    const made = new SmoothedColumn(0.9);
    for (let end = 1; end <= loss.length; end += 7) made.follow(loss.subarray(0, end));
    made.follow(loss);
    expect(made.values).toEqual(smoothed(loss, 0.9));
  });

  it('begins anew where rows are written again', () => {
    const made = new SmoothedColumn(0.9);
    made.follow(loss);
    const other = loss.slice(0, 120);
    other.fill(3, 100);
    made.follow(other, 100);
    expect(made.values).toEqual(smoothed(other, 0.9));
  });

  it('leaves out what is no number', () => {
    const torn = Float32Array.of(1, NaN, 3);
    const values = smoothed(torn, 0.5);
    expect(values[1]).toBeNaN();
    expect(values[2]).toBeCloseTo(closedForm([1, 3], 0.5), 6);
  });
});
