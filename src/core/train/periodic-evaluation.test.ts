import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  collect,
  type Events,
  hashes,
  recordOf,
  TrainingScratch,
} from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { UserError } from '../base/errors';
import type { EvaluationCost } from '../base/evaluation-cost';
import { normals, Stream } from '../base/random';
import { readMetrics } from '../checkpoint/metrics';
import { RunDirectory } from '../checkpoint/run-directory';
import type { PartialTrainingConfig } from '../config/training-config';
import { Embedder } from '../evaluate/embed';
import { evaluate } from '../evaluate/evaluate';
import { LikenessMeter } from '../evaluate/likeness';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { TrainingControl } from './control';
import { LiveModel } from './live-model';
import { train } from './trainer';

const scratch = new TrainingScratch();
const images = scratch.at('bars');
const SIDE = 8;
const SAMPLES = 100;
const WEIGHTS = /\.safetensors$/;

/** Upright and level bars in noise, in a folder each. */
async function drawImages(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const noise = normals({ seed: 1, stream: Stream.noise, index: i }, new Float32Array(64));
    const line = (i >> 1) % SIDE;
    const isOn = (k: number) => (i % 2 === 0 ? k % SIDE : Math.floor(k / SIDE)) === line;
    const pixels = Uint8Array.from(noise, (x, k) => 60 + 15 * x + (isOn(k) ? 130 : 0));
    const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
    const folder = path.join(images, i % 2 === 0 ? 'upright' : 'level');
    mkdirSync(folder, { recursive: true });
    await sharp(pixels, { raw })
      .png()
      .toFile(path.join(folder, `${i}.png`));
  }
}

function config(training: PartialTrainingConfig['training'] = {}) {
  const common = { previewEvery: 0, evaluateEvery: 4, evaluateCount: SAMPLES, steps: 10 };
  return tinyConfig({
    dataset: images,
    holdOut: 0.5,
    classes: true,
    training: { ...common, ...training },
  });
}

const evaluationsOf = async (run: string) =>
  (await readMetrics(path.join(run, 'metrics.jsonl'))).evaluations;

let whole: Events;
let wallSeconds: number;

beforeAll(async () => {
  await scratch.prepare();
  await drawImages(2 * SAMPLES + 20);
  const before = performance.now();
  whole = await collect(scratch.start(config(), scratch.at('whole')));
  wallSeconds = (performance.now() - before) / 1000;
}, 120_000);
afterAll(() => scratch.remove());

describe('an evaluation in the course of a training', () => {
  it('is a line of its own at its steps and at the end, and an event', async () => {
    const lines = await evaluationsOf(whole.run);
    expect(lines.map(({ step }) => step)).toEqual([4, 8, 10]);
    expect(whole.of('evaluation').map(({ line }) => line!.step)).toEqual([4, 8, 10]);
    for (const [i, line] of lines.entries()) {
      const told = whole.of('evaluation')[i]!.line!;
      expect(line.frechet / told.frechet).toBeCloseTo(1, 3);
      expect(line.frechetHeldOut).toBe(lines[0]!.frechetHeldOut);
      expect(line.frechetHeldOut).toBeLessThan(line.frechet);
      expect(line.classAccuracy).toBeGreaterThanOrEqual(0);
      expect(line.samples).toBe(SAMPLES);
    }
    const { lines: metrics, unreadable } = await readMetrics(path.join(whole.run, 'metrics.jsonl'));
    expect(metrics).toHaveLength(10);
    expect(unreadable).toBe(0);
  });

  it('gives the figures that evaluate gives for the checkpoint of the same step', async () => {
    const found = await evaluate({
      target: path.join(whole.run, 'checkpoints', 'step-000008'),
      runtime: new OnnxRuntime({ device: 'cpu', threads: 1 }),
      wishes: { count: SAMPLES, seed: 0 },
      cacheFolder: scratch.surroundings.cacheFolder,
    });
    const line = (await evaluationsOf(whole.run))[1]!;
    expect(line.frechet / found.samples.frechet.value).toBeCloseTo(1, 3);
    expect(line.frechetError / found.samples.frechet.error).toBeCloseTo(1, 2);
    expect(line.kernel / found.samples.kernel.value).toBeCloseTo(1, 2);
    expect(line.precision).toBeCloseTo(found.samples.precision.value, 1);
    expect(line.recall).toBeCloseTo(found.samples.recall.value, 1);
    expect(line.classAccuracy).toBeCloseTo(found.classAccuracy!.value, 1);
    expect(line.frechetHeldOut! / found.real.frechet.value).toBeCloseTo(1, 4);
  });

  it('changes no step', async () => {
    const without = await collect(
      scratch.start(config({ evaluateEvery: 0 }), scratch.at('without')),
    );
    expect([...without.losses]).toEqual([...whole.losses]);
    expect(hashes(without.run, WEIGHTS)).toEqual(hashes(whole.run, WEIGHTS));
    expect(without.of('evaluationPlan')).toEqual([]);
  });

  it('has its cost told before the first step', () => {
    const kinds = whole.all.map(({ type }) => type);
    expect(kinds.indexOf('evaluationPlan')).toBeLessThan(kinds.indexOf('step'));
    const [plan] = whole.of('evaluationPlan');
    expect(plan).toMatchObject({ every: 4, samples: SAMPLES, cost: { samples: SAMPLES } });
    for (const seconds of [plan!.cost!.secondsEach, plan!.cost!.secondsPerStep]) {
      expect(seconds).toBeGreaterThan(0);
    }
  });

  it('takes no time of the training', () => {
    const spent = whole.of('evaluation').reduce((sum, { line }) => sum + line!.seconds, 0);
    expect(whole.of('done')[0]!.seconds + spent).toBeLessThan(wallSeconds);
    const { time, seconds } = whole.of('evaluation')[0]!.line!;
    const [before, after] = whole.of('step').slice(3, 5);
    expect(time).toBeGreaterThanOrEqual(before!.seconds);
    expect(time).toBeLessThanOrEqual(after!.seconds);
    // The first evaluation trains a classifier of hundreds of steps.
    expect(after!.seconds - before!.seconds).toBeLessThan(seconds);
  });

  it('is left out where it is stopped, and the run goes on as if it had not been', async () => {
    const controller = new AbortController();
    const out = scratch.at('stopped');
    let after = 0;
    const first = await collect(scratch.start(config(), out, controller.signal), (event) => {
      if (event.type !== 'evaluating') return;
      if (controller.signal.aborted) after++;
      if (event.stage === 'sampling') controller.abort();
    });
    expect(after).toBe(0);
    expect(first.of('done')[0]).toMatchObject({ reason: 'stopped', steps: 4 });
    expect(await evaluationsOf(out)).toEqual([]);
    const second = await collect(scratch.goOn(out));
    expect([...first.losses, ...second.losses]).toEqual([...whole.losses]);
    const last = /step-000010.*safetensors/;
    expect(hashes(out, last)).toEqual(hashes(whole.run, last));
    expect((await evaluationsOf(out)).map(({ step }) => step)).toEqual([8, 10]);
  });

  it('is held and saved in the midst', async () => {
    const control = new TrainingControl();
    const options = { ...scratch.options(config(), scratch.at('held')), control };
    let saved: Promise<unknown> | null = null;
    const events = await collect(train(options), (event) => {
      if (event.type === 'evaluating' && event.stage === 'sampling' && !saved) {
        control.pause();
        saved = control.checkpointNow();
      }
      if (event.type === 'paused') void saved!.then(() => control.unpause());
    });
    const kinds = events.all.map(({ type }) => type);
    const paused = kinds.indexOf('paused');
    expect(kinds[paused - 1]).toBe('evaluating');
    expect(kinds.slice(paused + 1, paused + 3)).toEqual(['unpaused', 'evaluating']);
    expect([...events.losses]).toEqual([...whole.losses]);
    const figures = ({ of }: { of: Events }) =>
      of.of('evaluation').map(({ line }) => line!.frechet);
    expect(figures({ of: events })).toEqual(figures({ of: whole }));
  });

  it('is turned on while a run is trained, when its cost was told, and the run keeps it', async () => {
    const control = new TrainingControl();
    const settings = config({ evaluateEvery: 0 });
    const options = { ...scratch.options(settings, scratch.at('later')), control };
    let cost: EvaluationCost | null = null;
    const events = await collect(train(options), (event) => {
      if (event.type === 'step' && event.step === 2) {
        control.pause();
        void control.evaluationCost(SAMPLES).then((told) => {
          cost = told;
          void control.evaluate({ every: 3, samples: SAMPLES });
          control.unpause();
        });
      }
    });
    expect(cost).toMatchObject({ samples: SAMPLES });
    expect([...events.losses]).toEqual([...whole.losses]);
    expect(events.of('evaluation').map(({ line }) => line!.step)).toEqual([3, 6, 9, 10]);
    expect((await recordOf(events.run)).config.training).toMatchObject({ evaluateEvery: 3 });
  });
});

describe('an evaluation that goes wrong', () => {
  afterEach(() => vi.restoreAllMocks());

  async function warningsOf(name: string): Promise<Events> {
    const events = await collect(scratch.start(config(), scratch.at(name)));
    expect([...events.losses]).toEqual([...whole.losses]);
    expect(events.of('warning')).toHaveLength(1);
    return events;
  }

  it('is left out where memory is short, and tried again when it is due', async () => {
    vi.spyOn(LikenessMeter.prototype, 'compare').mockImplementationOnce(() => {
      throw new Error(`not reached: ${new ArrayBuffer(2 ** 45).byteLength} bytes`);
    });
    const events = await warningsOf('short');
    expect(events.of('warning')[0]!.message).toBe(
      'The evaluation was left out: The memory is too short for it; train without evaluations (--evaluate-every 0).',
    );
    expect(events.of('evaluation').map(({ line }) => line?.step)).toEqual([undefined, 8, 10]);
  });

  it('is left out where the samples have no features', async () => {
    const unspied = Embedder.prototype.embed;
    let isFirst = true;
    vi.spyOn(Embedder.prototype, 'embed').mockImplementation(async function (
      this: Embedder,
      images,
      signal,
    ) {
      const isOfSamples = isFirst && images.length === SAMPLES * SIDE ** 2;
      const isTimed = images.every((x) => x === 0);
      if (isOfSamples && !isTimed) {
        isFirst = false;
        images[5] = NaN;
      }
      return unspied.call(this, images, signal);
    });
    const events = await warningsOf('not-finite');
    expect(events.of('warning')[0]!.message).toMatch(/left out: Samples, .* not finite numbers/);
    expect(events.of('evaluation').map(({ line }) => line?.step)).toEqual([undefined, 8, 10]);
  });

  it('is no obstacle where its cost cannot be measured', async () => {
    const failure = new UserError('It does not fit.');
    vi.spyOn(LiveModel.prototype, 'compile').mockRejectedValueOnce(failure);
    const events = await warningsOf('no-cost');
    expect(events.of('warning')[0]!.message).toBe(
      'What evaluating costs was not measured: It does not fit.',
    );
    expect(events.of('evaluationPlan')).toEqual([
      { type: 'evaluationPlan', every: 4, samples: SAMPLES, cost: null },
    ]);
    expect(events.of('evaluation').map(({ line }) => line!.step)).toEqual([4, 8, 10]);
  });

  it('stays off where the run cannot keep that it was turned on', async () => {
    const control = new TrainingControl();
    const settings = config({ evaluateEvery: 0 });
    const options = { ...scratch.options(settings, scratch.at('refused')), control };
    const full = new UserError('Disk full.');
    let refusal: unknown = null;
    const events = await collect(train(options), (event) => {
      if (event.type !== 'step' || event.step !== 2) return;
      vi.spyOn(RunDirectory.prototype, 'update').mockRejectedValueOnce(full);
      control.pause();
      void control
        .evaluate({ every: 3, samples: SAMPLES })
        .catch((error: unknown) => (refusal = error))
        .finally(() => control.unpause());
    });
    expect(refusal).toBe(full);
    expect(events.of('evaluation')).toEqual([]);
    expect(events.of('evaluationPlan')).toEqual([]);
    expect((await recordOf(events.run)).config.training).toMatchObject({ evaluateEvery: 0 });
  });
});

it('is refused for a data set that is too small', async () => {
  const few = scratch.at('few');
  mkdirSync(few);
  const create = { width: 8, height: 8, channels: 3, background: 'red' } as const;
  await sharp({ create }).png().toFile(path.join(few, '1.png'));
  const settings = tinyConfig({ dataset: few, training: { evaluateEvery: 4 } });
  await expect(collect(scratch.start(settings, scratch.at('small')))).rejects.toThrow(
    /few has 1 image, too few to tell how like them others are; leave --evaluate-every out, or give 100 images or more\.$/,
  );
});
