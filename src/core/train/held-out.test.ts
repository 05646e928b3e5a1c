import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  collect,
  type Events,
  hashes,
  recordOf,
  TrainingScratch,
} from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { readCheckpoint } from '../checkpoint/checkpoint';
import { readMetrics } from '../checkpoint/metrics';
import type { PartialTrainingConfig } from '../config/training-config';
import { readImages } from '../data/images';
import { openSource } from '../data/open';
import { openReader } from '../data/reader';
import { splitOf } from '../data/split';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { createDenoiser } from '../sample/denoiser';
import { lossByTimestep } from '../sample/model-loss';
import { openModel } from '../sample/sampling-job';

const scratch = new TrainingScratch();
const images = scratch.at('images');
const WEIGHTS = /\.safetensors$/;

function config(training: PartialTrainingConfig['training'] = {}, holdOut = 0.25) {
  const common = { previewEvery: 0, heldOutEvery: 3 };
  return tinyConfig({ dataset: images, holdOut, training: { ...common, ...training } });
}

async function heldOutLosses(
  run: string,
): Promise<(readonly [number, number | null | undefined])[]> {
  const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
  return lines.map(({ step, heldOutLoss }) => [step, heldOutLoss] as const);
}

let whole: Events;

beforeAll(async () => {
  await scratch.prepare();
  mkdirSync(images);
  for (let i = 0; i < 40; i++) {
    const pixels = Uint8Array.from({ length: 64 }, (_, k) => (i * 37 + k * (i + 3)) % 256);
    const raw = { width: 8, height: 8, channels: 1 } as const;
    await sharp(pixels, { raw })
      .png()
      .toFile(path.join(images, `${i}.png`));
  }
  whole = await collect(scratch.start(config(), scratch.at('whole')));
});
afterAll(() => scratch.remove());

describe('the held-out loss', () => {
  it('is logged at its steps, and counts the images that are learnt from as an epoch', async () => {
    const losses = await heldOutLosses(whole.run);
    expect(losses.map(([step]) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    for (const [step, loss] of losses) {
      if (step % 3 === 0) expect(loss).toBeGreaterThan(0);
      else expect(loss).toBeNull();
    }
    for (const { step, epoch } of whole.of('step')) expect(epoch).toBe((step * 8) / 30);
  });

  it('is that of the checkpoint of the same step on the held-out images', async () => {
    const { pipeline, weights, diffusion } = await openModel(whole.run);
    const source = await openSource(images, {
      imageSize: 8,
      channels: 1,
      cacheFolder: scratch.at('cache'),
    });
    const reader = openReader(source);
    const heldOut = readImages(reader, splitOf(source, 0.25).heldOut);
    reader.close();
    expect(heldOut.count).toBe(10);
    const denoiser = await createDenoiser(
      new OnnxRuntime({ device: 'cpu', threads: 1 }),
      pipeline.model,
      weights,
      8,
    );
    const found = await lossByTimestep(denoiser, diffusion, heldOut, 5);
    await denoiser.dispose();
    const mean = found.reduce((sum, { loss }) => sum + loss, 0) / 5;
    const [, logged] = (await heldOutLosses(whole.run)).at(-1)!;
    expect(logged! / mean).toBeCloseTo(1, 5);
  });

  it('changes no step, and goes on exactly where a run was stopped', async () => {
    const rare = await collect(scratch.start(config({ heldOutEvery: 1000 }), scratch.at('rare')));
    expect([...rare.losses]).toEqual([...whole.losses]);
    expect(hashes(rare.run, WEIGHTS)).toEqual(hashes(whole.run, WEIGHTS));
    const first = await scratch.stoppedAt(5, config(), scratch.at('stopped'));
    const second = await collect(scratch.goOn(first.run));
    expect([...first.losses, ...second.losses]).toEqual([...whole.losses]);
    const last = /step-000012.*safetensors/;
    expect(hashes(first.run, last)).toEqual(hashes(whole.run, last));
    expect(await heldOutLosses(first.run)).toEqual(await heldOutLosses(whole.run));
    const stateOf = async (run: string) =>
      (await readCheckpoint(path.join(run, 'checkpoints', 'step-000012'))).state.heldOut;
    expect(await stateOf(first.run)).toEqual(await stateOf(whole.run));
  });

  it('has a line of its own where lines are rare', async () => {
    const { run } = await collect(scratch.start(config({ logEvery: 5 }), scratch.at('fives')));
    expect((await heldOutLosses(run)).map(([step]) => step)).toEqual([3, 5, 6, 9, 10, 12]);
  });

  it('is in no run that holds nothing out', async () => {
    const { run } = await collect(scratch.start(config({}, 0), scratch.at('all')));
    expect((await heldOutLosses(run)).every(([, loss]) => loss === undefined)).toBe(true);
  });

  it('decides which checkpoints are the best: of equal ones the first', async () => {
    const stuck = { checkpointEvery: 3, lr: 1e-12, warmupSteps: 0, steps: 15 };
    const all = await collect(scratch.start(config(stuck), scratch.at('kept-all')));
    const measured = new Map(await heldOutLosses(all.run));
    const steps = [3, 6, 9, 12, 15];
    const best = steps.reduce((a, b) => (measured.get(b)! < measured.get(a)! ? b : a));
    const keeping = config({ ...stuck, keepLast: 1, keepBest: 1 });
    const { run } = await collect(scratch.start(keeping, scratch.at('kept-best')));
    const kept = readdirSync(path.join(run, 'checkpoints')).map((name) => Number(name.slice(5)));
    expect(kept).toEqual([...new Set([best, 15])]);
    expect(best).not.toBe(15);
  });

  it('ends a run whose patience is at its end; gone on with, it waits anew', async () => {
    const stuck = config({ steps: 40, lr: 1e-12, warmupSteps: 0, patience: 5, checkpointEvery: 0 });
    const events = await collect(scratch.start(stuck, scratch.at('patient')));
    const { run } = events;
    expect(events.all.at(-1)).toMatchObject({ type: 'done', reason: 'stalled', steps: 9 });
    const { message } = await recordOf(run);
    expect(message).toBe(
      'Ended as asked: the held-out loss had not fallen for 5 steps (patience).',
    );
    const more = await collect(scratch.goOn(run));
    expect(more.of('done')[0]).toMatchObject({ reason: 'stalled', steps: 15 });
  });
});

it('cannot go on when the images have changed, nor hold out the only one', async () => {
  const own = scratch.at('own');
  mkdirSync(own);
  const grey = (level: number) =>
    sharp({ create: { width: 8, height: 8, channels: 3, background: { r: level, g: 0, b: 0 } } });
  await grey(1).toFile(path.join(own, '1.png'));
  const settings = tinyConfig({ dataset: own, holdOut: 0.25, training: { previewEvery: 0 } });
  const alone = collect(scratch.start(settings, scratch.at('alone')));
  await expect(alone).rejects.toThrow(/--hold-out is 0.25, but .* has one image only/);
  await grey(99).toFile(path.join(own, '2.png'));
  const { run } = await scratch.stoppedAt(5, settings, scratch.at('changed'));
  await grey(200).toFile(path.join(own, '3.png'));
  await expect(collect(scratch.goOn(run))).rejects.toThrow(
    /have changed since the run began, so those/,
  );
});
