import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu } from '../../../test/support/values';
import { createDenoiser, type Denoiser } from './denoiser';
import { guided, guidedBatch, needsBoth } from './guidance';
import { sampleFrom } from './sampler';
import { openModel, settingsFor } from './sampling-job';

const CLASSES = path.resolve(__dirname, '../../../test/fixtures/diffusers/classes');
const NULL = 3;

/** Predicts class·x + t for an image of four numbers, and notes what it was asked. */
function handMade(batchSize: number): { model: Denoiser; asked: number[][] } {
  const asked: number[][] = [];
  const signature = {
    channels: 1,
    height: 2,
    width: 2,
    classes: NULL + 1,
    needsPositiveTime: false,
    selfCondition: false,
  };
  const model: Denoiser = {
    signature,
    batchSize,
    predict: async (xt, t, classes) => {
      asked.push([...Array.from(classes!)]);
      return xt.map((x, i) => classes![Math.floor(i / 4)]! * x + t);
    },
    dispose: async () => undefined,
  };
  return { model, asked };
}

const XT = Float32Array.from([1, -2, 3, 4, 0.5, 0.25, -1, 2]);

describe('classifier-free guidance', () => {
  it('is u + s·(c − u), from one prediction of both halves', async () => {
    const { model, asked } = handMade(4);
    const guidance = { scales: [2.5], rescale: 0, nullClass: NULL };
    const denoiser = guided(model, guidance);
    expect(denoiser.batchSize).toBe(2);
    const output = await denoiser.predict(XT, 7, [1, 2]);
    expect(asked).toEqual([[1, 2, NULL, NULL]]);
    const effective = [NULL + 2.5 * (1 - NULL), NULL + 2.5 * (2 - NULL)];
    expect([...output]).toEqual([...XT].map((x, i) => effective[Math.floor(i / 4)]! * x + 7));
  });

  it('gives each image its own scale, counted from the first image’s number', async () => {
    const scales = [0, 1, 4];
    for (const first of [0, 1, 5]) {
      const { model } = handMade(4);
      const output = await guided(model, { scales, rescale: 0, nullClass: NULL }, first).predict(
        XT,
        0,
        [1, 1],
      );
      const effective = [0, 1].map((i) => NULL + scales[(first + i) % 3]! * (1 - NULL));
      expect([...output]).toEqual([...XT].map((x, i) => effective[Math.floor(i / 4)]! * x));
    }
  });

  it('needs no second half at 0 and 1: the prediction for none, and for the class', async () => {
    const { model, asked } = handMade(2);
    const guidance = { scales: [0, 1], rescale: 0.5, nullClass: NULL };
    const denoiser = guided(model, guidance);
    expect(denoiser.batchSize).toBe(2);
    const output = await denoiser.predict(XT, 1, [2, 2]);
    expect(asked).toEqual([[NULL, 2]]);
    expect([...output]).toEqual([...XT].map((x, i) => (i < 4 ? NULL : 2) * x + 1));
    expect([needsBoth([0, 1]), needsBoth([1, 1.5])]).toEqual([false, true]);
    expect([guidedBatch(5, guidance), guidedBatch(5, { scales: [3] })]).toEqual([5, 10]);
  });

  it('rescaled all the way has each image’s own spread, and half-way the mean of both', async () => {
    const guide = async (rescale: number) => {
      const { model } = handMade(4);
      return guided(model, { scales: [4], rescale, nullClass: NULL }).predict(XT, 0, [1, 2]);
    };
    const deviation = (x: Float32Array) => {
      const mean = x.reduce((a, b) => a + b) / x.length;
      return Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length);
    };
    const [none, half, whole] = await Promise.all([guide(0), guide(0.5), guide(1)]);
    [1, 2].forEach((label, i) => {
      const part = (x: Float32Array) => x.subarray(4 * i, 4 * i + 4);
      const own = deviation(part(XT)) * label;
      expect(deviation(part(whole!))).toBeCloseTo(own, 5);
      const between = (own + deviation(part(none!))) / 2;
      expect(deviation(part(half!))).toBeCloseTo(between, 5);
    });
  });

  it.each([
    ['plain', 0],
    ['rescaled', 0.7],
  ] as const)('draws what diffusers draws, step by step: %s', async (name, rescale) => {
    const stored = fixtureTensors('guidance/guided.safetensors');
    const model = await openModel(CLASSES);
    const settings = {
      ...settingsFor(model, { count: 2, seed: 0, solver: 'ddim', steps: 5 }),
      guidance: 3,
    };
    const compiled = await createDenoiser(cpu, model.pipeline.model, model.weights, 4);
    const denoiser = guided(compiled, { scales: [3], rescale, nullClass: 9 });
    const request = { denoiser, diffusion: model.diffusion, settings, classes: [4, 7] };
    const timesteps: number[] = [];
    const states: number[] = [];
    for await (const { t, xt } of sampleFrom({ xt: stored.get('noise')!.data, t: 999 }, request)) {
      timesteps.push(t);
      states.push(...xt);
    }
    await denoiser.dispose();
    expect(timesteps).toEqual([...stored.get('timesteps')!.data]);
    expect(relativeError(states, stored.get(name)!.data)).toBeLessThan(1e-5);
  });
});
