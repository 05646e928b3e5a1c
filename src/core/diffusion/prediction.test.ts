import { describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { normals, Stream } from '../base/random';
import { addNoise } from './forward';
import { minSnrWeight, minSnrWeights } from './loss-weights';
import {
  checkPrediction,
  clipX0,
  epsFromX0,
  makePredict,
  PREDICTION_KINDS,
  toPrediction,
  trainingTarget,
} from './prediction';
import { makeSchedule, snr } from './schedule';

const schedule = makeSchedule({ kind: 'cosine', timesteps: 100 });
const zeroSnr = makeSchedule({ timesteps: 100, zeroTerminalSnr: true });
const draw = (index: number) =>
  normals({ seed: 2, stream: Stream.noise, index }, new Float32Array(64));
const x0 = draw(0).map((value) => Math.max(-1, Math.min(1, value / 2)));
const eps = draw(1);

function expectNear(a: Float32Array, b: Float32Array, tolerance: number): void {
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => expect(Math.abs(value - b[i]!)).toBeLessThan(tolerance));
}

describe.each(PREDICTION_KINDS)('prediction %s', (kind) => {
  it.each([0, 20, 50, 80])('gives back x0 and eps from its own target, t = %i', async (t) => {
    const xt = addNoise(schedule, x0, eps, t);
    const predict = makePredict(kind, schedule, (x, at) =>
      Promise.resolve(trainingTarget(kind, schedule, x0, eps, at, new Float32Array(x.length))),
    );
    const made = await predict(xt, t);
    // Float32 rounding of x_t, magnified by the division that each form holds.
    const { alphaBars } = schedule;
    expectNear(made.x0, x0, 1e-6 / Math.sqrt(alphaBars[t]!));
    expectNear(made.eps, eps, 1e-6 / Math.sqrt(1 - alphaBars[t]!));
  });

  it('gives arrays of its own', () => {
    const output = eps.slice();
    const made = toPrediction(kind, schedule, output, x0, 50);
    output.fill(9);
    for (const array of [made.x0, made.eps]) expect(Math.max(...array)).toBeLessThan(9);
  });
});

describe('zero terminal SNR', () => {
  it('refuses eps there, in general and at the timestep', () => {
    expect(() => checkPrediction('eps', zeroSnr)).toThrow(UserError);
    expect(() => toPrediction('eps', zeroSnr, eps, eps, 99)).toThrow(/timestep 99.*prediction v/);
    expect(() => checkPrediction('eps', schedule)).not.toThrow();
  });

  it('takes v and x0 there', () => {
    for (const kind of ['v', 'x0'] as const) {
      checkPrediction(kind, zeroSnr);
      const target = trainingTarget(kind, zeroSnr, x0, eps, 99);
      const made = toPrediction(kind, zeroSnr, target, eps, 99);
      expectNear(made.x0, x0, 1e-7);
      expectNear(made.eps, eps, 1e-7);
    }
  });
});

describe('clipX0', () => {
  const wide = Float32Array.of(-3, -0.5, 0.25, 2);

  it('clips to ±1, to a range, or not at all', () => {
    expect([...clipX0(wide, true)]).toEqual([-1, -0.5, 0.25, 1]);
    expect([...clipX0(wide, 2.5)]).toEqual([-2.5, -0.5, 0.25, 2]);
    expect(clipX0(wide, false)).toBe(wide);
    expect([...wide]).toEqual([-3, -0.5, 0.25, 2]);
  });

  it('lets NaN through: a broken model must be seen', () => {
    expect(clipX0(Float32Array.of(NaN), true)[0]).toBeNaN();
  });

  it('has an eps to go with it', () => {
    const xt = addNoise(schedule, x0, eps, 50);
    expectNear(epsFromX0(schedule, x0, xt, 50), eps, 1e-5);
  });
});

describe('min-SNR weights', () => {
  it('are the published forms', () => {
    for (let t = 0; t < schedule.timesteps; t++) {
      const ratio = snr(schedule, t);
      const capped = Math.min(ratio, 5);
      expect(minSnrWeight('x0', schedule, t)).toBeCloseTo(capped, 12);
      expect(minSnrWeight('eps', schedule, t)).toBeCloseTo(capped / ratio, 12);
      expect(minSnrWeight('v', schedule, t)).toBeCloseTo(capped / (ratio + 1), 12);
    }
  });

  it('weigh one error of x0 alike, whatever is predicted', () => {
    // ∂x0/∂eps = −√(1−ᾱ)/√ᾱ and ∂x0/∂v = −√(1−ᾱ): the squared error scales by their squares.
    const t = 70;
    const alphaBar = schedule.alphaBars[t]!;
    const x0Weight = minSnrWeight('x0', schedule, t, 3);
    expect(minSnrWeight('eps', schedule, t, 3)).toBeCloseTo(
      (x0Weight * (1 - alphaBar)) / alphaBar,
      10,
    );
    expect(minSnrWeight('v', schedule, t, 3)).toBeCloseTo(x0Weight * (1 - alphaBar), 10);
  });

  it('stay finite at zero SNR', () => {
    const last = (kind: 'eps' | 'v' | 'x0') => minSnrWeights(kind, zeroSnr)[99];
    expect([last('eps'), last('v'), last('x0')]).toEqual([1, 0, 0]);
  });

  it('refuse a γ that is not positive', () => {
    expect(() => minSnrWeight('eps', schedule, 0, 0)).toThrow(UserError);
    expect(() => minSnrWeight('eps', schedule, 0, NaN)).toThrow(UserError);
  });
});
