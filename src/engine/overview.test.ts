import { describe, expect, it } from 'vitest';
import { emptyColumns } from './columns';
import { overviewOf } from './overview';

function long(rows: number) {
  const columns = emptyColumns(rows, 2);
  for (let row = 0; row < rows; row++) {
    columns.step[row] = row + 1;
    columns.loss[row] = 1 + Math.sin(row) / 10;
    columns.gradNorm[row] = 2 + Math.cos(row) / 10;
    columns.lossByTimestep.fill(row, 2 * row, 2 * row + 2);
  }
  return columns;
}

describe('overviewOf', () => {
  it('has some thousand rows of all, in order and as they are', () => {
    const columns = long(500_000);
    const overview = overviewOf(columns);
    expect(overview.step.length).toBeGreaterThan(2000);
    expect(overview.step.length).toBeLessThanOrEqual(12_001);
    const steps = [...overview.step];
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
    expect([steps[0], steps.at(-1)]).toEqual([1, 500_000]);
    steps.forEach((step, i) => {
      expect(overview.loss[i]).toBe(columns.loss[step - 1]);
      expect(overview.lossByTimestep[2 * i + 1]).toBe(Math.fround(step - 1));
    });
  });

  it('has every spike of one step, up and down, and a row without a loss', () => {
    const columns = long(500_000);
    columns.loss[123_456] = 50;
    columns.loss[200_000] = 0.001;
    columns.gradNorm[300_001] = 90;
    columns.loss[400_002] = NaN;
    columns.loss[250] = NaN;
    const steps = new Set(overviewOf(columns).step);
    for (const row of [123_456, 200_000, 300_001, 400_002, 250]) expect(steps).toContain(row + 1);
  });

  it('is all of what is short, and nothing of nothing', () => {
    expect(overviewOf(long(7))).toEqual(long(7));
    expect(overviewOf(long(0))).toEqual(emptyColumns(0, 2));
  });
});
