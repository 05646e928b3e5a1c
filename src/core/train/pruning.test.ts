import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import type { PartialTrainingConfig } from '../config/training-config';
import { TrainingControl } from './control';
import { train } from './trainer';

const scratch = new TrainingScratch();
beforeAll(() => scratch.prepare());
afterAll(() => scratch.remove());

const steps = { steps: 12, checkpointEvery: 2, previewEvery: 0 };
const config = (training: PartialTrainingConfig['training']) =>
  tinyConfig({ training: { ...steps, ...training } });

function kept(run: string): number[] {
  return readdirSync(path.join(run, 'checkpoints')).map((name) => Number(name.slice(5)));
}

interface State {
  readonly lossTrend: { readonly sum: number; readonly weight: number };
}

function smoothedLosses(run: string): { step: number; loss: number }[] {
  return kept(run).map((step) => {
    const name = `step-${String(step).padStart(6, '0')}`;
    const text = readFileSync(path.join(run, 'checkpoints', name, 'state.json'), 'utf8');
    const { sum, weight } = (JSON.parse(text) as State).lossTrend;
    return { step, loss: sum / weight };
  });
}

describe('checkpoints', () => {
  it('are all kept where nothing is said', async () => {
    const run = scratch.at('all');
    await collect(scratch.start(config({}), run));
    expect(kept(run)).toEqual([2, 4, 6, 8, 10, 12]);
  });

  it('are removed but for the last ones, and what was resumed goes on from the last', async () => {
    const run = scratch.at('last');
    await collect(scratch.start(config({ keepLast: 2 }), run));
    expect(kept(run)).toEqual([10, 12]);
    await collect(scratch.goOn(run, { steps: 16 }));
    expect(kept(run)).toEqual([14, 16]);
  });

  it('of the lowest smoothed loss stay too', async () => {
    const all = scratch.at('for-losses');
    await collect(scratch.start(config({}), all));
    const best = smoothedLosses(all).sort((a, b) => a.loss - b.loss)[0]!.step;
    const run = scratch.at('best');
    await collect(scratch.start(config({ keepLast: 1, keepBest: 1 }), run));
    expect(kept(run)).toEqual([...new Set([best, 12])].sort((a, b) => a - b));
  });

  it('that are pinned, asked for, or not the run’s own stay', async () => {
    const run = scratch.at('pinned');
    const control = new TrainingControl();
    const options = { ...scratch.options(config({ keepLast: 1 }), run), control };
    for await (const event of train(options)) {
      if (event.type === 'step' && event.step === 3) void control.checkpointNow();
      if (event.type !== 'checkpoint') continue;
      if (event.step === 4) writeFileSync(path.join(event.path, 'keep'), '');
      if (event.step === 6)
        cpSync(event.path, path.join(event.path, '..', 'step-000001'), { recursive: true });
      if (event.step === 8) mkdirSync(path.join(event.path, '..', 'step-000005'));
    }
    expect(kept(run)).toEqual([1, 3, 4, 5, 12]);
    expect(existsSync(path.join(run, 'checkpoints', 'step-000004', 'state.json'))).toBe(true);
  });

  it('cannot keep the best where all are kept', async () => {
    const start = scratch.start(config({ keepBest: 2 }));
    await expect(collect(start)).rejects.toThrow(/--keep-best is 2, but all checkpoints are kept/);
  });
});

describe('patience', () => {
  it('ends a run whose smoothed loss has stopped falling, and says so; gone on with, it waits anew', async () => {
    const run = scratch.at('patient');
    const stuck = config({
      steps: 400,
      lr: 1e-12,
      warmupSteps: 0,
      patience: 15,
      checkpointEvery: 0,
    });
    const events = await collect(scratch.start(stuck, run));
    const [done] = events.of('done');
    expect(done!.reason).toBe('stalled');
    expect(done!.steps).toBeLessThan(400);
    const record = JSON.parse(readFileSync(path.join(run, 'run.json'), 'utf8')) as object;
    expect(record).toMatchObject({
      status: 'finished',
      message: expect.stringContaining('had not fallen for 15 steps (patience)') as string,
    });
    const more = await collect(scratch.goOn(run));
    expect(more.of('done')[0]!.steps).toBeGreaterThanOrEqual(done!.steps + 15);
  });
});
