import { describe, expect, it } from 'vitest';
import { syntheticHistory, syntheticRows } from '../feeds/synthetic';
import { lossData, lossSeries, lossValues, MOST_OVERLAYS } from './loss-lines';
import { metricsTable } from './metrics-table';
import { readoutText } from './readout';
import { RunCurves } from './run-curves';

const RUN = { name: 'digits', steps: 2000, seed: 1, done: 400, heldOutEvery: 50 };
const OTHER = { name: 'other', steps: 2000, seed: 2, done: 300 };
const curves = (of: typeof RUN | typeof OTHER = RUN) => new RunCurves(syntheticHistory(of), 4);
/** The value that the run has at a step, by its feed. */
const measured = (step: number) => syntheticRows(RUN, step - 1, step).heldOutLoss[0]!;

describe('the lines of the loss', () => {
  it('can each be told from every other without their colours', () => {
    const overlays = Array.from({ length: MOST_OVERLAYS }, () => curves(OTHER));
    const series = lossSeries({ run: curves(), overlays, isSmooth: true });
    expect(series).toHaveLength(3 + MOST_OVERLAYS);
    const looks = series.map(({ dash, width, hasPoints }) =>
      JSON.stringify([dash, width, hasPoints]),
    );
    expect(new Set(looks).size).toBe(series.length);
    const own = series.slice(0, 3 + MOST_OVERLAYS - 1).map(({ color }) => color);
    expect(new Set(own).size).toBe(own.length);
  });

  it('are those that there are', () => {
    const labels = (run: RunCurves, isSmooth: boolean) =>
      lossSeries({ run, overlays: [], isSmooth }).map(({ label }) => label);
    expect(labels(curves(), true)).toEqual(['loss', 'smoothed', 'held out']);
    expect(labels(curves(OTHER), false)).toEqual(['loss']);
  });

  it('have as many columns, values and names, in one order', () => {
    const lines = { run: curves(), overlays: [curves(OTHER)], isSmooth: true };
    const drawing = {
      range: { min: 120, max: 330 },
      axis: 'step',
      isLog: true,
      columns: 600,
    } as const;
    const [x, , , heldOut, other] = lossData(lines, drawing);
    expect(lossData(lines, drawing)).toHaveLength(1 + lossSeries(lines).length);
    const drawn = [...x].filter((_, i) => typeof heldOut![i] === 'number');
    // One beyond either end, so that the line reaches the edges.
    expect(drawn).toEqual([100, 150, 200, 250, 300, 350]);
    expect(heldOut![[...x].indexOf(150)]).toBe(measured(150));
    expect(other!.some((value) => typeof value === 'number')).toBe(true);
  });

  it('have the values of the cross hair, and the held-out loss as it was measured last', () => {
    const run = curves();
    const values = lossValues({ run, overlays: [curves(OTHER)], isSmooth: true }, 180, 'step');
    const { loss } = syntheticRows(RUN, 179, 180);
    expect(values[0]).toBe(loss[0]);
    expect(values[1]).toBe(run.smoothedLoss[179]);
    expect(values[2]).toBe(measured(150));
    expect(values[3]).toBe(curves(OTHER).smoothedLoss[179]);
    expect(lossValues({ run, overlays: [], isSmooth: false }, 20, 'step')[1]).toBeNaN();
    expect(lossValues({ run, overlays: [], isSmooth: false }, null, 'step')[1]).toBe(measured(400));
  });

  it('follow the rows that come, and those that are written again', () => {
    const run = curves();
    expect(run.heldOutRows.at(-1)).toBe(399);
    run.take({ from: 400, columns: syntheticRows(RUN, 400, 460), left: 0 });
    expect(run.heldOutRows.slice(-2)).toEqual([399, 449]);
    run.take({ from: 90, columns: syntheticRows(RUN, 90, 120), left: 0 });
    expect(run.heldOutRows).toEqual([49, 99]);
    expect(run.heldOutRow(98)).toBe(49);
    expect(run.heldOutRow(48)).toBeNull();
  });

  it('are read out and in the table, with the step of the last measuring', () => {
    const run = curves();
    const figure = (step: number) => measured(step).toFixed(4);
    expect(readoutText(run, [], 200, 'step')).toContain(`held out ${figure(200)} · `);
    expect(readoutText(run, [], 180, 'step')).toContain(`held out ${figure(150)} (step 150) · `);
    expect(readoutText(run, [], 20, 'step')).not.toContain('held out');
    const { head, rows } = metricsTable(run, { min: 40, max: 60 }, 'step', 'loss', 'Loss');
    expect(head.at(-1)).toBe('Held out, last measured');
    expect(rows[0]!.at(-1)).toBe('–');
    expect(rows.at(-1)!.at(-1)).toBe(figure(50));
    const without = metricsTable(curves(OTHER), { min: 1, max: 9 }, 'step', 'loss', 'Loss');
    expect(without.head.at(-1)).toBe('Smoothed');
  });
});
