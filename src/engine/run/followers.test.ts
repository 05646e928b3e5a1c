import { cpSync, renameSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { collect, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { Followers } from './followers';

const scratch = new TrainingScratch();
const run = scratch.at('run');
const followers = new Followers();

beforeAll(async () => {
  await scratch.prepare();
  await collect(scratch.start(tinyConfig(), run));
});
afterEach(() => followers.close());
afterAll(() => scratch.remove());

it('tells every preview that came since it looked last, though several did', async () => {
  const place = path.join(run, 'samples');
  const aside = scratch.at('aside');
  cpSync(place, aside, { recursive: true });
  for (const step of ['08', '12']) {
    renameSync(path.join(place, `step-0000${step}.png`), path.join(aside, `later-${step}`));
  }
  const told: number[] = [];
  const all = new Promise<void>((resolve) => {
    const preview = ({ step }: { readonly step: number }) => {
      told.push(step);
      if (step === 12) resolve();
    };
    void followers.add(run, { rows: () => undefined, preview }).then(() => {
      for (const step of ['08', '12']) {
        renameSync(path.join(aside, `later-${step}`), path.join(place, `step-0000${step}.png`));
      }
    });
  });
  await all;
  expect(told).toEqual([8, 12]);
});
