import { describe, expect, it } from 'vitest';
import { fixtureJson, relativeError } from '../../../test/support/fixtures';
import {
  batchesOf,
  openStepper,
  stepParts,
  takeSteps,
  tinyConfig,
} from '../../../test/support/training';
import { cpu } from '../../../test/support/values';
import type { TrainingBatch } from '../data/batch';
import { addNoiseBatch } from '../diffusion/forward';
import { PREDICTION_KINDS, trainingTarget } from '../diffusion/prediction';
import { unpack } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { createDenoiser } from '../sample/denoiser';

const IMAGE = 64;

/** Parts of a batch put together again, under one index. */
function joined(batches: readonly TrainingBatch[]): TrainingBatch {
  const all = (pick: (batch: TrainingBatch) => Float32Array) =>
    Float32Array.from(batches.flatMap((batch) => [...pick(batch)]));
  const whole = (pick: (batch: TrainingBatch) => Int32Array) =>
    Int32Array.from(batches.flatMap((batch) => [...pick(batch)]));
  return {
    ...batches[0]!,
    images: all((batch) => batch.images),
    noise: all((batch) => batch.noise),
    timesteps: whole((batch) => batch.timesteps),
    labels: whole((batch) => batch.labels!),
  };
}

/** The batch with other timesteps. */
function at(batch: TrainingBatch, timesteps: readonly number[]): TrainingBatch {
  return { ...batch, timesteps: Int32Array.from(timesteps) };
}

/** Mean squared error of each image's target, by the denoiser of the initial weights. */
async function expectedLosses(
  config: ReturnType<typeof tinyConfig>,
  batch: TrainingBatch,
): Promise<number[]> {
  const { step, schedule, prediction, vectors } = stepParts(config);
  const weights = unpack(step.layout, vectors.params);
  const denoiser = await createDenoiser(cpu, step.model, weights, 1);
  const losses: number[] = [];
  const xt = addNoiseBatch(schedule, batch.images, batch.noise, batch.timesteps);
  for (const [i, t] of batch.timesteps.entries()) {
    const part = (x: Float32Array) => x.slice(i * IMAGE, (i + 1) * IMAGE);
    const output = await denoiser.predict(part(xt), t);
    const target = trainingTarget(prediction, schedule, part(batch.images), part(batch.noise), t);
    losses.push(output.reduce((sum, y, j) => sum + (y - target[j]!) ** 2, 0) / IMAGE);
  }
  await denoiser.dispose();
  return losses;
}

describe('the loss', () => {
  it.each(PREDICTION_KINDS)('of each image is its squared error: %s', async (prediction) => {
    const config = tinyConfig({ schedule: { timesteps: 1000, prediction } });
    const [first] = await batchesOf(config, 1);
    const batch = at(first!, [0, 1, 50, 200, 500, 800, 998, 999]);
    const stepper = await openStepper(cpu, config);
    const { loss, images } = await stepper.run([batch], 1, 0, 0);
    await stepper.dispose();
    const expected = await expectedLosses(config, batch);
    expect(images.map(({ t }) => t)).toEqual([...batch.timesteps]);
    images.forEach((image, i) => expect(image.loss / expected[i]! - 1).toBeCloseTo(0, 4));
    const mean = expected.reduce((sum, x) => sum + x, 0) / expected.length;
    expect(loss / mean - 1).toBeCloseTo(0, 4);
  });

  it.each(PREDICTION_KINDS)('is weighted by min-SNR-γ: %s', async (prediction) => {
    interface MinSnr {
      readonly gamma: number;
      readonly timesteps: readonly number[];
      readonly weights: Readonly<Record<string, readonly number[]>>;
    }
    const stored = fixtureJson<MinSnr>('optimiser/minSnr.json');
    const { gamma: minSnrGamma } = stored;
    const config = tinyConfig({
      schedule: { kind: 'linear', timesteps: 1000, prediction },
      training: { minSnrGamma, batchSize: 12 },
    });
    const batch = at((await batchesOf(config, 1))[0]!, stored.timesteps);
    const stepper = await openStepper(cpu, config);
    const { loss, images } = await stepper.run([batch], 1, 0, 0);
    await stepper.dispose();
    const weights = stored.weights[prediction]!;
    const weighted = images.reduce((sum, image, i) => sum + image.loss * weights[i]!, 0) / 12;
    expect(loss / weighted - 1).toBeCloseTo(0, 5);
    const plain = images.reduce((sum, image) => sum + image.loss, 0) / 12;
    expect(Math.abs(loss / plain - 1)).toBeGreaterThan(0.01);
  });

  it.each(PREDICTION_KINDS)('falls: %s', async (prediction) => {
    const config = tinyConfig({
      schedule: { prediction },
      training: { lr: 5e-3, steps: 40, warmupSteps: 0, lrSchedule: 'constant' },
    });
    const [batch] = await batchesOf(config, 1);
    const stepper = await openStepper(cpu, config);
    const results = await takeSteps(stepper, config, Array<TrainingBatch>(40).fill(batch!));
    await stepper.dispose();
    expect(results.at(-1)!.loss).toBeLessThan(0.6 * results[0]!.loss);
  });

  it('falls for the tutorial’s network', async () => {
    const config = tinyConfig({
      training: { lr: 5e-3, steps: 40, warmupSteps: 0, lrSchedule: 'constant' },
    });
    const cnn = { ...config, model: { type: 'tutorial-cnn' as const, hiddenChannels: [8, 8] } };
    const [batch] = await batchesOf(cnn, 1);
    const stepper = await openStepper(cpu, cnn);
    const results = await takeSteps(stepper, cnn, Array<TrainingBatch>(40).fill(batch!));
    await stepper.dispose();
    expect(results.at(-1)!.loss).toBeLessThan(0.6 * results[0]!.loss);
  });
});

describe('accumulation', () => {
  it('of two batches of 4 moves as one batch of 8', async () => {
    const halves = tinyConfig({ training: { batchSize: 4, accumulate: 2, weightDecay: 0.01 } });
    const whole = tinyConfig({ training: { batchSize: 8, weightDecay: 0.01 } });
    const parts = await batchesOf(halves, 6);
    const together = [0, 2, 4].map((i) => joined(parts.slice(i, i + 2)));
    const steppers = [await openStepper(cpu, halves), await openStepper(cpu, whole)] as const;
    const split = await takeSteps(steppers[0], halves, parts);
    const once = await takeSteps(steppers[1], whole, together);
    expect(split).toHaveLength(3);
    split.forEach(({ loss, gradNorm, images }, i) => {
      expect(loss / once[i]!.loss - 1).toBeCloseTo(0, 5);
      expect(gradNorm / once[i]!.gradNorm - 1).toBeCloseTo(0, 4);
      expect(images.map(({ t }) => t)).toEqual(once[i]!.images.map(({ t }) => t));
    });
    const [a, b] = [await steppers[0].read(), await steppers[1].read()];
    expect(relativeError(a.params, b.params)).toBeLessThan(1e-5);
    expect(relativeError(a.ema!, b.ema!)).toBeLessThan(1e-5);
    expect(relativeError(a.expAvg, b.expAvg)).toBeLessThan(1e-4);
    for (const stepper of steppers) await stepper.dispose();
  });
});

/** The runtime, noting what its graphs are fed. */
function watched(runtime: Runtime): { runtime: Runtime; feeds: Record<string, Float32Array>[] } {
  const feeds: Record<string, Float32Array>[] = [];
  const watching: Runtime = {
    device: runtime.device,
    description: runtime.description,
    createState: (initial) => runtime.createState(initial),
    compile: async (graph, options) => {
      const executable = await runtime.compile(graph, options);
      return {
        run: (given, state) => {
          feeds.push({ ...given });
          return executable.run(given, state);
        },
        dispose: () => executable.dispose(),
      };
    },
  };
  return { runtime: watching, feeds };
}

describe('dropout', () => {
  const dropout = 0.3;
  const config = tinyConfig({
    model: { dropout } as object,
    training: { lr: 5e-3, steps: 40, warmupSteps: 0, lrSchedule: 'constant' },
  });
  const masksIn = (feeds: Record<string, Float32Array>) =>
    Object.entries(feeds).flatMap(([name, data]) => (name.startsWith('dropout.') ? [data] : []));

  it('masks are 0 with its probability, else what keeps the mean', async () => {
    const { runtime, feeds } = watched(cpu);
    const stepper = await openStepper(runtime, config);
    await takeSteps(stepper, config, await batchesOf(config, 12));
    await stepper.dispose();
    const masks = feeds.flatMap(masksIn);
    // One mask a residual block: two levels of one down and two up, and two in the middle.
    expect(masks).toHaveLength(12 * 8);
    const all = masks.flatMap((mask) => [...mask]);
    expect(new Set(all)).toEqual(new Set([0, Math.fround(1 / (1 - dropout))]));
    const dropped = all.filter((value) => value === 0).length / all.length;
    const deviation = Math.sqrt((dropout * (1 - dropout)) / all.length);
    expect(Math.abs(dropped - dropout)).toBeLessThan(5 * deviation);
  });

  it('masks differ between layers and batches, and are the same for one batch', async () => {
    const { runtime, feeds } = watched(cpu);
    const stepper = await openStepper(runtime, config);
    const [first, second] = await batchesOf(config, 2);
    for (const batch of [first!, second!, first!]) await stepper.run([batch], 1, 0, 0);
    await stepper.dispose();
    const [a, b, again] = feeds.map(masksIn) as [Float32Array[], Float32Array[], Float32Array[]];
    expect(again).toEqual(a);
    a.forEach((mask, i) => expect(mask).not.toEqual(b[i]));
    const ofOneShape = a.filter(({ length }) => length === a[0]!.length);
    expect(ofOneShape.length).toBeGreaterThan(1);
    expect(new Set(ofOneShape.map((mask) => mask.join())).size).toBe(ofOneShape.length);
  });

  it('trains', async () => {
    const stepper = await openStepper(cpu, config);
    const [batch] = await batchesOf(config, 1);
    const batches = Array.from({ length: 40 }, (_, index) => ({ ...batch!, index }));
    const losses = (await takeSteps(stepper, config, batches)).map(({ loss }) => loss);
    await stepper.dispose();
    const mean = (part: number[]) => part.reduce((sum, x) => sum + x, 0) / part.length;
    expect(mean(losses.slice(-5))).toBeLessThan(0.7 * mean(losses.slice(0, 5)));
  });
});

describe('the moving average', () => {
  it('is not kept where its decay is 0', async () => {
    const config = tinyConfig({ training: { emaDecay: 0 } });
    const stepper = await openStepper(cpu, config);
    await takeSteps(stepper, config, await batchesOf(config, 2));
    expect((await stepper.read()).ema).toBeNull();
    await stepper.dispose();
  });
});
