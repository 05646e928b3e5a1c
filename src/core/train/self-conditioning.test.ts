import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, hashes, TrainingScratch } from '../../../test/support/runs';
import {
  batchesOf,
  openStepper,
  stepParts,
  takeSteps,
  tinyConfig,
} from '../../../test/support/training';
import { cpu } from '../../../test/support/values';
import type { PartialTrainingConfig, TrainingConfig } from '../config/training-config';
import type { TrainingBatch } from '../data/batch';
import { addNoiseBatch } from '../diffusion/forward';
import { clipX0, PREDICTION_KINDS, toPrediction, trainingTarget } from '../diffusion/prediction';
import { unpack } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { createDenoiser } from '../sample/denoiser';
import { openModel, sampleImages } from '../sample/sampling-job';
import { batchOfEachKind, getsEstimate } from './self-conditioning';

const IMAGE = 64;
/** Whole batches with and without an estimate, of seed 3. */
const [WITH, WITHOUT] = [true, false].map((given) =>
  Array.from({ length: 64 }, (_, i) => i).find((i) => getsEstimate(3, i) === given),
) as [number, number];

function config(changes: PartialTrainingConfig = {}): TrainingConfig {
  return tinyConfig({ ...changes, model: { ...changes.model, selfCondition: true } as object });
}

/** Its images' losses by the net as diffusers knows it: one image of twice the channels. */
async function expectedLosses(
  settings: TrainingConfig,
  batch: TrainingBatch,
  isGiven: boolean,
): Promise<number[]> {
  const { step, schedule, prediction, vectors } = stepParts(settings);
  if (step.model.type !== 'unet') throw new Error('no U-Net');
  expect(step.model.config).toMatchObject({ in_channels: 2, out_channels: 1 });
  const plain = { type: 'unet', config: step.model.config } as const;
  const net = await createDenoiser(cpu, plain, unpack(step.layout, vectors.params), 1);
  const ask = (xt: Float32Array, condition: Float32Array, t: number) =>
    net.predict(Float32Array.of(...xt, ...condition), t);
  const noised = addNoiseBatch(schedule, batch.images, batch.noise, batch.timesteps);
  const losses: number[] = [];
  for (const [i, t] of batch.timesteps.entries()) {
    const part = (x: Float32Array) => x.slice(i * IMAGE, (i + 1) * IMAGE);
    const xt = part(noised);
    const none = new Float32Array(IMAGE);
    let output = await ask(xt, none, t);
    if (isGiven) {
      const { x0 } = toPrediction(prediction, schedule, output, xt, t);
      output = await ask(xt, clipX0(x0, true), t);
    }
    const target = trainingTarget(prediction, schedule, part(batch.images), part(batch.noise), t);
    losses.push(output.reduce((sum, y, j) => sum + (y - target[j]!) ** 2, 0) / IMAGE);
  }
  await net.dispose();
  return losses;
}

/** The runtime, noting what is fed to the graph that moves the parameters. */
function watched(runtime: Runtime): { runtime: Runtime; conditions: Float32Array[] } {
  const conditions: Float32Array[] = [];
  const watching: Runtime = {
    device: runtime.device,
    description: runtime.description,
    createState: (initial) => runtime.createState(initial),
    compile: async (graph, options) => {
      const executable = await runtime.compile(graph, options);
      if (!graph.inputs.some(({ name }) => name === 'weights')) return executable;
      return {
        run: (given, state) => {
          conditions.push(given.condition!.slice());
          return executable.run(given, state);
        },
        dispose: () => executable.dispose(),
      };
    },
  };
  return { runtime: watching, conditions };
}

describe('self-conditioned training', () => {
  it.each(PREDICTION_KINDS)('gives the net its own estimate, or none: %s', async (prediction) => {
    const settings = config({ schedule: { timesteps: 1000, prediction } });
    const [first] = await batchesOf(settings, 1);
    const timesteps = Int32Array.of(0, 1, 50, 200, 500, 800, 998, 999);
    const stepper = await openStepper(cpu, settings);
    for (const index of [WITH, WITHOUT]) {
      const batch = { ...first!, index, timesteps };
      const { images } = await stepper.run([batch], 1, 0, 0);
      const expected = await expectedLosses(settings, batch, index === WITH);
      images.forEach(({ loss }, i) => expect(loss / expected[i]! - 1).toBeCloseTo(0, 4));
    }
    await stepper.dispose();
    const [given, none] = await Promise.all(
      [true, false].map((each) => expectedLosses(settings, { ...first!, timesteps }, each)),
    );
    given!.forEach((loss, i) => expect(Math.abs(loss / none![i]! - 1)).toBeGreaterThan(1e-3));
  });

  it('estimates for half of the batches, by the seed', async () => {
    const settings = config({ training: { steps: 24 } });
    const { runtime, conditions } = watched(cpu);
    const stepper = await openStepper(runtime, settings);
    const results = await takeSteps(stepper, settings, await batchesOf(settings, 24));
    await stepper.dispose();
    expect(results.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    conditions.forEach((condition, i) => {
      expect(condition.some((x) => x !== 0)).toBe(getsEstimate(3, i));
      expect(condition.every((x) => x >= -1 && x <= 1)).toBe(true);
    });
    const count = (seed: number) =>
      Array.from({ length: 4000 }, (_, i) => getsEstimate(seed, i)).filter(Boolean).length;
    for (const seed of [0, 1, 2, 3, 4]) {
      expect(batchOfEachKind(seed).map((i) => getsEstimate(seed, i))).toEqual([true, false]);
    }
    for (const seed of [0, 3]) expect(Math.abs(count(seed) / 4000 - 0.5)).toBeLessThan(0.04);
    expect(Array.from({ length: 24 }, (_, i) => getsEstimate(0, i))).not.toEqual(
      Array.from({ length: 24 }, (_, i) => getsEstimate(3, i)),
    );
  });

  it('learns what to make of the estimate where there is one, and of zeros nothing', async () => {
    const settings = config();
    const [batch] = await batchesOf(settings, 1);
    const { step } = stepParts(settings);
    for (const index of [WITH, WITHOUT]) {
      const stepper = await openStepper(cpu, settings);
      await stepper.run([{ ...batch!, index }], 1, 1e-3, 0);
      const moments = unpack(step.layout, (await stepper.read()).expAvg);
      await stepper.dispose();
      const { data, shape } = moments.get('conv_in.weight')!;
      expect(shape).toEqual([4, 2, 3, 3]);
      const ofChannel = (channel: number) =>
        data.filter((_, i) => Math.floor(i / 9) % 2 === channel).some((x) => x !== 0);
      expect([ofChannel(0), ofChannel(1)]).toEqual([true, index === WITH]);
    }
  });
});

describe('a self-conditioned run', () => {
  const scratch = new TrainingScratch();
  const settings = config({ classes: true, holdOut: 0.1, training: { heldOutEvery: 5 } });
  beforeAll(() => scratch.prepare());
  afterAll(() => scratch.remove());

  it('goes on exactly after a stop, and is drawn from as its previews are', async () => {
    const whole = await collect(scratch.start(settings, scratch.at('whole')));
    const first = await scratch.stoppedAt(5, settings, scratch.at('cut'));
    const second = await collect(scratch.goOn(first.run));
    expect([...first.losses, ...second.losses]).toEqual([...whole.losses]);
    const last = /step-000012.*(safetensors|diffusion_lab.json)/;
    expect(hashes(first.run, last).size).toBe(3);
    expect(hashes(first.run, last)).toEqual(hashes(whole.run, last));
    expect(whole.of('warning')).toEqual([]);
    expect(whole.of('metrics').flatMap(({ line }) => line.heldOutLoss ?? [])).toHaveLength(2);

    const model = await openModel(whole.run);
    expect(model.pipeline.model).toMatchObject({ selfCondition: true });
    const preview = whole.of('preview').at(-1)!.images;
    const wishes = { count: 4, seed: 3, solver: 'ddim', steps: 5 } as const;
    for await (const event of sampleImages(cpu, model, wishes)) {
      if (event.type !== 'done') continue;
      expect(event.images.shape).toEqual([4, 1, 8, 8]);
      event.images.data.forEach((x, i) => expect(x).toBeCloseTo(preview.data[i]!, 4));
    }
  });
});
