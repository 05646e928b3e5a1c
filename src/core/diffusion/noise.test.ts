import { describe, expect, it } from 'vitest';
import { initialNoise, solverNoise } from './noise';

const SIZE = 12;
const of = (seed: number, firstSample: number) => ({ seed, firstSample, sampleSize: SIZE });

describe.each([
  [
    'initialNoise',
    (seed: number, first: number, count: number) =>
      initialNoise(of(seed, first), new Float32Array(count * SIZE)),
  ],
  [
    'solverNoise',
    (seed: number, first: number, count: number) =>
      solverNoise(of(seed, first), 3, new Float32Array(count * SIZE)),
  ],
] as const)('%s', (_, fill) => {
  it('does not depend on how samples are grouped', () => {
    const whole = fill(1, 0, 10);
    const parts = [fill(1, 0, 3), fill(1, 3, 1), fill(1, 4, 6)].flatMap((part) => [...part]);
    expect([...whole]).toEqual(parts);
  });

  it('differs by sample and by seed', () => {
    const firsts = [fill(1, 0, 1), fill(1, 1, 1), fill(2, 0, 1)].map((x) => x[0]);
    expect(new Set(firsts).size).toBe(3);
  });
});

describe('solverNoise', () => {
  it('differs by step, and from the initial noise', () => {
    const draws = [1, 2, 3].map((step) => solverNoise(of(1, 0), step, new Float32Array(SIZE)));
    const all = [...draws, initialNoise(of(1, 0), new Float32Array(SIZE))];
    expect(new Set(all.map((x) => x[0])).size).toBe(4);
  });

  it('refuses parts of samples and steps out of range', () => {
    expect(() => solverNoise(of(1, 0), 1, new Float32Array(SIZE + 1))).toThrow(RangeError);
    expect(() => solverNoise(of(1, 0), 2 ** 20, new Float32Array(SIZE))).toThrow(RangeError);
  });
});
