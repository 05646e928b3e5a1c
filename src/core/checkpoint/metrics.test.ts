import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import type { EvaluationLine } from './evaluation-line';
import { MetricsLog, readMetrics } from './metrics';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'metrics-'));
  file = path.join(folder, 'metrics.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (step: number) => ({ step, loss: 1 / step });
const stepsOf = async () => (await readMetrics(file)).lines.map(({ step }) => step);

async function write(steps: number[], lastStep?: number): Promise<void> {
  const log = await MetricsLog.open(file, lastStep);
  for (const step of steps) await log.append(line(step));
  await log.close();
}

describe('metrics.jsonl', () => {
  it('holds one line a step and reads them back', async () => {
    const log = await MetricsLog.open(file);
    const full = {
      step: 1,
      epoch: 0.5,
      time: 2,
      loss: 0.25,
      lr: 1e-3,
      gradNorm: 3,
      imagesPerSecond: 64,
      lossByTimestep: [0.1, null],
    };
    await log.append(full);
    await log.append({ step: 2, loss: NaN, gradNorm: Infinity });
    await log.close();
    expect(await readMetrics(file)).toEqual({
      lines: [full, { step: 2, loss: null, gradNorm: null }],
      evaluations: [],
      isTorn: false,
      unreadable: 0,
    });
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  });

  it('holds evaluations in lines of their own, and drops those past the step that a run goes on from', async () => {
    const figures = {
      ...{ samples: 200, frechet: 0.123456789, frechetError: 0.01, frechetHeldOut: null },
      ...{ kernel: -0.002, kernelError: 0.001, precision: 0.5, precisionError: 0.1 },
      ...{ recall: 1, recallError: 0, classAccuracy: null, classAccuracyError: null, seconds: 3.5 },
    };
    const of = (step: number): EvaluationLine => ({
      type: 'evaluation',
      step,
      time: 1,
      ...figures,
    });
    const log = await MetricsLog.open(file);
    for (const step of [5, 10]) {
      await log.append({ step, loss: 0.5 });
      await log.appendEvaluation(of(step));
      expect((await readMetrics(file)).evaluations.at(-1)).toMatchObject({ step });
    }
    await log.close();
    const { lines, evaluations } = await readMetrics(file);
    expect(lines.map(({ step }) => step)).toEqual([5, 10]);
    expect(evaluations).toEqual([5, 10].map((step) => ({ ...of(step), frechet: 0.12346 })));
    expect(readFileSync(file, 'utf8').split('\n')[1]).toMatch(/^\{"type":"evaluation","step":5,/);
    await (await MetricsLog.open(file, 7)).close();
    expect((await readMetrics(file)).evaluations.map(({ step }) => step)).toEqual([5]);
    await (await MetricsLog.open(file, 4)).close();
    expect(await readMetrics(file)).toMatchObject({ lines: [], evaluations: [] });
  });

  it('keeps the loss whole, and of the rest what a float32 can tell apart', async () => {
    const [loss, lr, gradNorm] = [0.06925347447395325, 0.0010624967086077426, 0.32798096537590027];
    const log = await MetricsLog.open(file);
    const measured = { epoch: 1 / 3, time: 85.256238022, imagesPerSecond: 564.647697068505 };
    await log.append({
      step: 1,
      loss,
      lr,
      gradNorm,
      ...measured,
      lossByTimestep: [2 / 3, null, 0],
    });
    await log.close();
    const [read] = (await readMetrics(file)).lines;
    expect(read).toMatchObject({ loss, time: 85.256, imagesPerSecond: 564.6 });
    expect(Math.fround(read!.lr!)).toBe(Math.fround(lr));
    expect(Math.fround(read!.gradNorm!)).toBe(Math.fround(gradNorm));
    expect(Math.fround(read!.epoch!)).toBe(Math.fround(1 / 3));
    expect(read!.lossByTimestep).toEqual([0.66667, null, 0]);
    expect(readFileSync(file, 'utf8').length).toBeLessThan(180);
  });

  it('holds lines back until there are enough, or a flush', async () => {
    const log = await MetricsLog.open(file);
    await log.append(line(1));
    expect(await stepsOf()).toEqual([]);
    await log.flush();
    expect(await stepsOf()).toEqual([1]);
    for (let step = 2; step <= 40; step++) await log.append(line(step));
    expect((await stepsOf()).length).toBeGreaterThanOrEqual(32);
    await log.close();
    expect(await stepsOf()).toHaveLength(40);
  });

  it('passes over a torn last line, and drops it when writing goes on', async () => {
    await write([1, 2]);
    appendFileSync(file, '{"step":3,"loss":0.');
    expect(await readMetrics(file)).toMatchObject({ isTorn: true, unreadable: 0 });
    expect(await stepsOf()).toEqual([1, 2]);
    await write([3]);
    expect(await readMetrics(file)).toMatchObject({ isTorn: false });
    expect(await stepsOf()).toEqual([1, 2, 3]);
  });

  it('drops what a resumed run writes again', async () => {
    await write([1, 2, 3, 4, 5]);
    await write([4, 5], 3);
    expect(await stepsOf()).toEqual([1, 2, 3, 4, 5]);
    await write([], 0);
    expect(readFileSync(file, 'utf8')).toBe('');
  });

  it('counts unreadable lines between good ones', async () => {
    writeFileSync(
      file,
      '{"step":1,"loss":1}\nhorse\n\n{"step":"2","loss":1}\n[]\n{"step":3,"loss":1}\n',
    );
    expect(await readMetrics(file)).toMatchObject({ unreadable: 3, isTorn: false });
    expect(await stepsOf()).toEqual([1, 3]);
    await write([4]);
    expect(await stepsOf()).toEqual([1, 3, 4]);
  });

  it('keeps a line that is cut inside a letter of many bytes from spoiling the file', async () => {
    await write([1]);
    appendFileSync(file, Buffer.from('{"step":2,"note":"ü').subarray(0, -1));
    await write([2]);
    expect(await readMetrics(file)).toMatchObject({ isTorn: false, unreadable: 0 });
    expect(await stepsOf()).toEqual([1, 2]);
  });

  it('is empty when there is no file, and an error when there can be none', async () => {
    expect(await readMetrics(file)).toEqual({
      lines: [],
      evaluations: [],
      isTorn: false,
      unreadable: 0,
    });
    await expect(MetricsLog.open(path.join(folder, 'none', 'x'))).rejects.toThrow(UserError);
    await expect(readMetrics(folder)).rejects.toThrow('it is a folder, not a file');
  });
});
