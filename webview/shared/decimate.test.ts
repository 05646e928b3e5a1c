import { describe, expect, it } from 'vitest';
import { decimate, lowerBound, nearestRow, valuesAt } from './decimate';

const ramp = (length: number) => Float64Array.from({ length }, (_, row) => row + 1);

/** Rows of the same columns, looked at one by one: the slow truth. */
function extremesByColumn(
  x: Float64Array,
  y: Float32Array,
  range: { min: number; max: number },
  columns: number,
): Map<number, { least: number; most: number }> {
  const found = new Map<number, { least: number; most: number }>();
  x.forEach((place, row) => {
    if (place < range.min || place > range.max) return;
    const column = Math.floor(((place - range.min) / (range.max - range.min)) * columns);
    const value = y[row]!;
    if (Number.isNaN(value)) return;
    const before = found.get(column) ?? { least: Infinity, most: -Infinity };
    found.set(column, {
      least: Math.min(before.least, value),
      most: Math.max(before.most, value),
    });
  });
  return found;
}

describe('decimate', () => {
  const x = ramp(500_000);
  const y = Float32Array.from(x, (step) => Math.sin(step * 12.9898) * 0.01 + 0.04);

  it('keeps every spike of one step', () => {
    const spikes = [1, 7777, 123_456, 250_000, 499_000, 500_000];
    const spiked = y.slice();
    for (const step of spikes) spiked[step - 1] = 5;
    const { rows } = decimate(x, spiked, { min: 1, max: 500_000 }, 700);
    expect(rows).toEqual(expect.arrayContaining(spikes.map((step) => step - 1)));
  });

  it('has the extremes of every column, and no more than three rows a column', () => {
    const range = { min: 1000, max: 401_000 };
    const columns = 640;
    const { rows } = decimate(x, y, range, columns);
    const truth = extremesByColumn(x, y, range, columns);
    const drawn = extremesByColumn(
      Float64Array.from(rows, (row) => x[row]!),
      Float32Array.from(rows, (row) => y[row]!),
      range,
      columns,
    );
    expect(drawn).toEqual(truth);
    expect(rows.length).toBeLessThanOrEqual(3 * columns + 2);
  });

  it('keeps rows in order, each once', () => {
    const { rows } = decimate(x, y, { min: 1, max: 500_000 }, 333);
    expect(rows.every((row, i) => i === 0 || row > rows[i - 1]!)).toBe(true);
  });

  it('keeps a single row without a value as a gap', () => {
    const torn = y.slice();
    torn[123_456] = NaN;
    const { rows } = decimate(x, torn, { min: 1, max: 500_000 }, 500);
    expect(rows).toContain(123_456);
    expect(valuesAt(torn, rows)[rows.indexOf(123_456)]).toBeNull();
  });

  it('shows all rows where there are few, and one beyond each end', () => {
    const { rows } = decimate(x, y, { min: 100.5, max: 103.5 }, 500);
    expect(rows).toEqual([99, 100, 101, 102, 103]);
  });

  it('draws nothing of nothing', () => {
    expect(decimate([], [], { min: 0, max: 1 }, 100)).toEqual({ x: [], rows: [] });
  });

  it('takes places that repeat', () => {
    const same = new Float64Array(5000).fill(3);
    const values = Float32Array.from({ length: 5000 }, (_, row) => (row === 2500 ? 9 : 1));
    expect(decimate(same, values, { min: 0, max: 10 }, 100).rows).toContain(2500);
  });
});

describe('valuesAt', () => {
  it('leaves out what a logarithmic scale cannot show', () => {
    expect(valuesAt([1, 0, -1, Infinity, NaN], [0, 1, 2, 3, 4], true)).toEqual([
      1,
      null,
      null,
      null,
      null,
    ]);
    expect(valuesAt([1, 0, -1], [0, 1, 2])).toEqual([1, 0, -1]);
  });
});

describe('rows by place', () => {
  const places = [1, 3, 3, 7];

  it.each([
    [0, 0],
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 3],
    [8, 4],
  ])('the first at %d or after is row %d', (value, row) => {
    expect(lowerBound(places, value)).toBe(row);
  });

  it.each([
    [-5, 0],
    [1.9, 0],
    [4.9, 2],
    [5.1, 3],
    [99, 3],
  ])('the nearest to %d is row %d', (value, row) => {
    expect(nearestRow(places, value)).toBe(row);
  });

  it('is none where there is none', () => {
    expect(nearestRow([], 1)).toBe(-1);
  });
});
