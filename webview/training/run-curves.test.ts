import { describe, expect, it } from 'vitest';
import {
  previewSteps,
  syntheticHistory,
  syntheticPreview,
  syntheticRows,
} from '../feeds/synthetic';
import { differingSettings } from './config-difference';
import { PreviewCache } from './preview-cache';
import { readoutText } from './readout';
import { RunCurves } from './run-curves';
import { runMarks } from './run-marks';
import { stateFor } from './view-state';

const run = { name: 'digits', steps: 2000, seed: 1, done: 400 };

describe('RunCurves', () => {
  it('is the same run whether it came at once or in pieces', () => {
    const whole = new RunCurves(syntheticHistory({ ...run, done: 500 }), 4);
    const pieces = new RunCurves(syntheticHistory(run), 4);
    pieces.take({ from: 400, columns: syntheticRows(run, 400, 437), left: 63 });
    pieces.take({ from: 437, columns: syntheticRows(run, 437, 500), left: 0 });
    expect(pieces.columns).toEqual(whole.columns);
    expect(pieces.smoothedLoss).toEqual(whole.smoothedLoss);
  });

  it('forgets what a resumed run writes again, broken steps too', () => {
    const curves = new RunCurves(syntheticHistory({ ...run, broken: [350, 360] }), 4);
    expect(curves.brokenSteps).toEqual([350, 360]);
    curves.take({ from: 300, columns: syntheticRows(run, 300, 320), left: 0 });
    expect(curves.length).toBe(320);
    expect(curves.brokenSteps).toEqual([]);
  });

  it('is an overview until all rows are here, and then the whole run', () => {
    const whole = new RunCurves(syntheticHistory(run), 4);
    const overview = { ...syntheticHistory(run), columns: syntheticRows(run, 350, 400) };
    const pieces = new RunCurves(overview, 4);
    pieces.take({ from: 0, columns: syntheticRows(run, 0, 300), left: 100 });
    pieces.take({ from: 310, columns: syntheticRows(run, 310, 400), left: 0 });
    expect(pieces.columns).toEqual(overview.columns);
    pieces.take({ from: 300, columns: syntheticRows(run, 300, 400), left: 0 });
    expect(pieces.columns).toEqual(whole.columns);
    expect(pieces.smoothedLoss).toEqual(whole.smoothedLoss);
  });

  it('keeps its rows while they are told again', () => {
    const curves = new RunCurves(syntheticHistory(run), 4);
    curves.take({ from: 0, columns: syntheticRows(run, 0, 100), left: 300 });
    expect(curves.columns).toEqual(syntheticRows(run, 0, 400));
  });

  it('counts in steps where an axis was not noted', () => {
    const history = syntheticHistory(run);
    history.columns.time.fill(NaN);
    const curves = new RunCurves(history, 0);
    expect(curves.x('time')).toEqual(curves.columns.step);
    expect(curves.x('epoch')).toEqual(curves.columns.epoch);
  });

  it('finds places and steps of each other', () => {
    const curves = new RunCurves(syntheticHistory(run), 0);
    const place = curves.placeOf(123, 'time');
    expect(place).toBeCloseTo(123 / 8.3, 6);
    expect(curves.stepAt(place, 'time')).toBe(123);
    expect(curves.neighbour(123, 1, 'step')).toBe(124);
    expect(curves.neighbour(1, -1, 'step')).toBe(1);
  });

  it('marks checkpoints, resumptions and broken steps', () => {
    const curves = new RunCurves(syntheticHistory({ ...run, broken: [77], resumedAt: [200] }), 0);
    const marks = runMarks(curves, 'step');
    expect(marks.map(({ kind, x }) => [kind, x])).toEqual([
      ['resumed', 200],
      ['broken', 77],
      ['checkpoint', 400],
    ]);
  });

  it('is read out at a place, or at the end', () => {
    const curves = new RunCurves(syntheticHistory({ ...run, broken: [10] }), 0);
    expect(readoutText(curves, [], null, 'step')).toMatch(/^step 400 · 48 s · epoch 0\.43 · loss /);
    expect(readoutText(curves, [], 10.2, 'step')).toContain('the loss is no number');
    expect(readoutText(curves, [curves], 400, 'step')).toContain('checkpoint · digits ');
  });
});

describe('PreviewCache', () => {
  const preview = (step: number) => syntheticPreview(run, step).pixels;

  it('keeps a bounded number, those that were looked at last', () => {
    const cache = new PreviewCache(3);
    for (const step of [1, 2, 3]) cache.put(step, preview(step));
    cache.get(1);
    cache.put(4, preview(4));
    expect(cache.size).toBe(3);
    expect([1, 2, 3, 4].map((step) => cache.get(step) !== null)).toEqual([true, false, true, true]);
  });

  it('asks once for what is missing, and again after a failure', () => {
    const cache = new PreviewCache(8);
    cache.put(1, preview(1));
    expect(cache.missing([1, 2, 3])).toEqual([2, 3]);
    expect(cache.missing([2, 3])).toEqual([]);
    cache.forgetAsked();
    expect(cache.missing([2])).toEqual([2]);
  });
});

describe('differingSettings', () => {
  it('names what differs, nested and in lists, and what one lacks', () => {
    const a = { seed: 1, model: { channels: [16, 32], dropout: 0 }, device: 'cpu' };
    const b = { seed: 1, model: { channels: [32, 64], dropout: 0 }, threads: null };
    expect(differingSettings([a, b])).toEqual([
      { key: 'device', values: ['cpu', '–'] },
      { key: 'model.channels', values: ['16, 32', '32, 64'] },
      { key: 'threads', values: ['–', 'null'] },
    ]);
    expect(differingSettings([a, a])).toEqual([]);
    expect(differingSettings([null, { seed: 1 }])).toEqual([{ key: 'seed', values: ['–', '1'] }]);
  });
});

describe('stateFor', () => {
  it('keeps all for the same run, and the habits alone for another', () => {
    const kept = { run: '/a', isLog: false, zoom: { min: 1, max: 2 }, previewStep: 3 };
    expect(stateFor('/a', kept)).toMatchObject(kept);
    expect(stateFor('/b', kept)).toMatchObject({
      run: '/b',
      isLog: false,
      zoom: null,
      previewStep: null,
    });
    expect(previewSteps({ ...run, done: 250 })).toEqual([100, 200]);
  });
});
