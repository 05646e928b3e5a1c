import { describe, expect, it } from 'vitest';
import { integers, normals, permutation, philox, Stream, uniforms } from './random';

const key = { seed: 1, stream: Stream.noise, index: 7 };

function moment(x: ArrayLike<number>, power: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! ** power;
  return sum / x.length;
}

describe('philox', () => {
  // The known answers that the paper's authors publish with Random123 (kat_vectors).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published words for counter %j', (counter, words, expected) => {
    const out = new Uint32Array(4);
    philox(out, ...(counter as [number, number, number, number]), ...(words as [number, number]));
    expect([...out]).toEqual([...expected]);
  });
});

describe('draws', () => {
  it('gives N(0, 1): its first four moments', () => {
    const x = normals(key, new Float32Array(400_000));
    expect(moment(x, 1)).toBeCloseTo(0, 2);
    expect(moment(x, 2)).toBeCloseTo(1, 2);
    expect(Math.abs(moment(x, 3))).toBeLessThan(0.03);
    expect(Math.abs(moment(x, 4) - 3)).toBeLessThan(0.06);
  });

  it('gives a prefix when fewer are asked for', () => {
    const long = normals(key, new Float32Array(11));
    expect([...normals(key, new Float32Array(6))]).toEqual([...long.slice(0, 6)]);
  });

  it('differs by seed, stream and index', () => {
    const first = (k: typeof key) => uniforms(k, new Float32Array(1))[0];
    const others = [
      { ...key, seed: 2 },
      { ...key, seed: 1 + 2 ** 32 },
      { ...key, stream: Stream.order },
      { ...key, index: 8 },
      { ...key, index: 7 + 2 ** 32 },
    ] as (typeof key)[];
    expect(new Set([key, ...others].map(first)).size).toBe(6);
  });

  it('gives integers over the whole range', () => {
    const x = integers(key, 10, new Int32Array(10_000));
    const counts = new Array<number>(10).fill(0);
    for (const value of x) counts[value]!++;
    expect(Math.min(...counts)).toBeGreaterThan(850);
  });

  it('permutes: every element once, and not in order', () => {
    const order = permutation(key, 1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order]).not.toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});
