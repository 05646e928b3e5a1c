import { describe, expect, it } from 'vitest';
import fixture from '../../../test/fixtures/diffusion/forward.json';
import { normals, Stream } from '../base/random';
import { addNoise, addNoiseBatch, markovStep, mix } from './forward';
import { trainingTarget } from './prediction';
import { DIFFUSERS_BETA_SCHEDULE, makeSchedule, SCHEDULE_KINDS } from './schedule';

const x0 = Float32Array.from(fixture.x0);
const eps = Float32Array.from(fixture.eps);

function largestGap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

function draw(index: number, size: number): Float32Array {
  return normals({ seed: 5, stream: Stream.noise, index }, new Float32Array(size));
}

function meanAndDeviation(x: Float32Array): [number, number] {
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  const square = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  return [mean, Math.sqrt(square)];
}

describe('addNoise', () => {
  it.each(fixture.cases)('matches diffusers: $beta_schedule t=$t, and its v', (stored) => {
    const kind = SCHEDULE_KINDS.find((k) => DIFFUSERS_BETA_SCHEDULE[k] === stored.beta_schedule)!;
    const schedule = makeSchedule({ kind });
    expect(largestGap(addNoise(schedule, x0, eps, stored.t), stored.xt)).toBeLessThan(3e-7);
    const v = trainingTarget('v', schedule, x0, eps, stored.t);
    expect(largestGap(v, stored.v)).toBeLessThan(3e-7);
  });

  it('is the closed form, and may write over its input', () => {
    const schedule = makeSchedule({ timesteps: 100 });
    const alphaBar = schedule.alphaBars[60]!;
    const inPlace = x0.slice();
    addNoise(schedule, inPlace, eps, 60, inPlace);
    const expected = Array.from(
      x0,
      (x, i) => Math.sqrt(alphaBar) * x + Math.sqrt(1 - alphaBar) * eps[i]!,
    );
    expect(largestGap(inPlace, expected)).toBeLessThan(2e-7);
  });

  it('noises each sample of a batch to its own timestep', () => {
    const schedule = makeSchedule();
    const batch = addNoiseBatch(schedule, x0, eps, [3, 900]);
    const half = x0.length / 2;
    const single = (from: number, t: number) =>
      addNoise(schedule, x0.slice(from, from + half), eps.slice(from, from + half), t);
    expect([...batch]).toEqual([...single(0, 3), ...single(half, 900)]);
  });

  it('refuses sizes that do not fit', () => {
    expect(() => addNoiseBatch(makeSchedule(), x0, eps, [1, 2, 3, 4, 5])).toThrow(RangeError);
    expect(() => mix(1, x0, 1, eps.slice(1))).toThrow(RangeError);
    expect(() => addNoise(makeSchedule(), x0, eps, 1000)).toThrow(RangeError);
  });
});

describe('markovStep', () => {
  const schedule = makeSchedule({
    kind: 'scaled_linear',
    timesteps: 30,
    betaStart: 0.01,
    betaEnd: 0.3,
  });
  const size = 100_000;
  const start = 0.7;

  it('step by step reaches the distribution of the closed form', () => {
    let x: Float32Array = new Float32Array(size).fill(start);
    for (let t = 0; t < schedule.timesteps; t++) {
      x = markovStep(schedule, x, draw(t, size), t);
      if (t % 6 !== 5) continue;
      const alphaBar = schedule.alphaBars[t]!;
      const clean = new Float32Array(size).fill(start);
      for (const sample of [x, addNoise(schedule, clean, draw(1000 + t, size), t)]) {
        const [mean, deviation] = meanAndDeviation(sample);
        // Six standard errors of 100,000 draws.
        expect(Math.abs(mean - Math.sqrt(alphaBar) * start)).toBeLessThan(0.019);
        expect(Math.abs(deviation - Math.sqrt(1 - alphaBar))).toBeLessThan(0.0135);
      }
    }
  });

  it('is its formula, and at t = 0 the closed form', () => {
    const beta = schedule.betas[9]!;
    const expected = Array.from(x0, (x, i) => Math.sqrt(1 - beta) * x + Math.sqrt(beta) * eps[i]!);
    expect(largestGap(markovStep(schedule, x0, eps, 9), expected)).toBeLessThan(2e-7);
    expect(
      largestGap(markovStep(schedule, x0, eps, 0), addNoise(schedule, x0, eps, 0)),
    ).toBeLessThan(2e-7);
  });

  it('refuses a timestep outside the schedule', () => {
    expect(() => markovStep(schedule, x0, eps, 30)).toThrow(RangeError);
  });
});
