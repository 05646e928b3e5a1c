import { expect, it } from 'vitest';
import { makeSchedule } from '../diffusion/schedule';
import type { Denoiser } from './denoiser';
import { lossByTimestep, lossTimesteps } from './model-loss';

it('is the mean square of x0 for a model that predicts x0 = 0, with its standard error', async () => {
  const denoiser: Denoiser = {
    signature: {
      channels: 1,
      height: 1,
      width: 2,
      classes: null,
      needsPositiveTime: false,
      selfCondition: false,
    },
    batchSize: 2,
    predict: (xt) => Promise.resolve(new Float32Array(xt.length)),
    dispose: () => Promise.resolve(),
  };
  const schedule = makeSchedule({
    kind: 'cosine',
    timesteps: 10,
    betaStart: 0.0001,
    betaEnd: 0.02,
    zeroTerminalSnr: false,
  });
  const images = {
    data: Float32Array.of(1, 1, 0.5, -0.5, 0, 0),
    labels: new Int32Array(3),
    count: 3,
  };
  const found = await lossByTimestep(denoiser, { schedule, prediction: 'x0' }, images, 2);
  const mean = (1 + 0.25) / 3;
  const variance = ((1 - mean) ** 2 + (0.25 - mean) ** 2 + mean ** 2) / 3;
  expect(found.map(({ t }) => t)).toEqual([2, 7]);
  for (const { loss, error } of found) {
    expect(loss).toBeCloseTo(mean, 12);
    expect(error).toBeCloseTo(Math.sqrt(variance / 3), 12);
  }
});

it('looks at the middles of equal parts of the timesteps', () => {
  expect(lossTimesteps(1000, 5)).toEqual([100, 300, 500, 700, 900]);
  expect(lossTimesteps(3, 5)).toEqual([0, 1, 2]);
});
