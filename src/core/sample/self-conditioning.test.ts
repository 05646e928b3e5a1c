import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu } from '../../../test/support/values';
import { clipX0 } from '../diffusion/prediction';
import { makeSchedule } from '../diffusion/schedule';
import { SOLVER_NAMES } from '../diffusion/solvers';
import { createDenoiser, type Denoiser } from './denoiser';
import { guided, guidedBatch } from './guidance';
import { lossByTimestep } from './model-loss';
import { sampleFrom, sampleToEnd } from './sampler';
import { openModel, settingsFor } from './sampling-job';

const PIPELINE = path.resolve(__dirname, '../../../test/fixtures/self-condition/pipeline');

interface Asked {
  readonly condition: Float32Array | null;
  readonly output: Float32Array;
}

/** Predicts x0 as a function of x_t and t that leaves [−1, 1], and notes what it is given. */
function handMade(classes: number | null, batchSize: number): { model: Denoiser; asked: Asked[] } {
  const asked: Asked[] = [];
  const image = { channels: 1, height: 2, width: 2 };
  const model: Denoiser = {
    signature: { ...image, classes, needsPositiveTime: false, selfCondition: true },
    batchSize,
    predict: (xt, t, rows, condition = null) => {
      const output = xt.map((x, i) => 2 * Math.sin(3 * x + t + (rows?.[Math.floor(i / 4)] ?? 0)));
      asked.push({ condition: condition && condition.slice(), output });
      return Promise.resolve(output);
    },
    dispose: () => Promise.resolve(),
  };
  return { model, asked };
}

const diffusion = {
  prediction: 'x0' as const,
  schedule: makeSchedule({
    kind: 'linear',
    timesteps: 100,
    betaStart: 1e-4,
    betaEnd: 0.02,
    zeroTerminalSnr: false,
  }),
};
const common = { spacing: 'trailing', eta: 0, variance: 'fixed_small', clip: true } as const;

describe('sampling a self-conditioned model', () => {
  it.each(SOLVER_NAMES)(
    'gives it what it said last, by %s, and nothing at first',
    async (solver) => {
      const { model, asked } = handMade(null, 2);
      const settings = { ...common, solver, steps: 6, seed: 1 };
      for (let again = 0; again < 2; again++) {
        asked.length = 0;
        await sampleToEnd({ denoiser: model, diffusion, settings });
        expect(asked.length).toBeGreaterThanOrEqual(6);
        expect(asked[0]!.condition).toBeNull();
        expect(asked[0]!.output.some((x) => Math.abs(x) > 1)).toBe(true);
        asked.slice(1).forEach(({ condition }, i) => {
          const before = asked[i]!.output;
          expect(condition).toEqual(clipX0(before, true));
        });
      }
    },
  );

  it('gives both halves of guidance the guided estimate', async () => {
    const { model, asked } = handMade(3, 4);
    const denoiser = guided(model, { scales: [2], rescale: 0, nullClass: 2 });
    const settings = { ...common, solver: 'ddim', steps: 3, seed: 1 } as const;
    await sampleToEnd({ denoiser, diffusion, settings, classes: [0, 1] });
    expect(asked).toHaveLength(3);
    asked.slice(1).forEach(({ condition }, i) => {
      const { output } = asked[i]!;
      const mixed = output.slice(0, 8).map((own, k) => 2 * own - output[8 + k]!);
      const half = clipX0(mixed, true);
      [...half, ...half].forEach((x, k) => expect(condition![k]).toBeCloseTo(x, 5));
    });
  });

  it.each([
    ['ddim', 'ddim', 1, true],
    ['guided', 'ddim', 3, true],
    ['euler', 'euler', 1, false],
    ['heun', 'heun', 1, false],
  ] as const)('draws what diffusers draws, step by step: %s', async (name, solver, scale, clip) => {
    const stored = fixtureTensors('self-condition/drawn.safetensors');
    const model = await openModel(PIPELINE);
    const drawn = { count: 2, seed: 0, solver, steps: 5, spacing: 'trailing' } as const;
    const wishes = { ...drawn, guidance: scale };
    const settings = { ...settingsFor(model, wishes), clip };
    const guidance = { scales: [scale], rescale: 0, nullClass: 2 };
    const { pipeline, weights } = model;
    const compiled = await createDenoiser(cpu, pipeline.model, weights, guidedBatch(2, guidance));
    const denoiser = guided(compiled, guidance);
    const request = { denoiser, diffusion: model.diffusion, settings, classes: [0, 1] };
    const states: Float32Array[] = [];
    const noise = stored.get('noise')!.data;
    for await (const { xt } of sampleFrom({ xt: noise, t: 999 }, request)) states.push(xt.slice());
    await denoiser.dispose();
    const { data } = stored.get(name)!;
    const isLastCall = (call: number) => solver !== 'heun' || call % 2 === 1 || call === 8;
    const expected = Array.from({ length: data.length / noise.length }, (_, call) => call)
      .filter(isLastCall)
      .map((call) => data.subarray(call * noise.length, (call + 1) * noise.length));
    expect(states).toHaveLength(5);
    states.forEach((state, i) => expect(relativeError(state, expected[i]!)).toBeLessThan(1e-5));
  });
});

it('is measured with its own estimate', async () => {
  const { model, asked } = handMade(null, 2);
  const images = { data: new Float32Array(8).fill(0.5), labels: new Int32Array(2), count: 2 };
  const found = await lossByTimestep(model, diffusion, images, 3);
  expect(asked).toHaveLength(6);
  found.forEach(({ loss }, i) => {
    const [first, second] = asked.slice(2 * i) as [Asked, Asked];
    expect(first.condition).toBeNull();
    expect(second.condition).toEqual(clipX0(first.output, true));
    const errors = [...second.output].map((x) => (x - 0.5) ** 2);
    expect(loss).toBeCloseTo(errors.reduce((a, b) => a + b) / 8, 6);
  });
});
