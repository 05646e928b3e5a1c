import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { toNumbers } from './float-formats';
import { SafetensorsFile, writeSafetensors } from './safetensors';
import { HISTOGRAM_PARTS, numbersOf, tensorStatistics } from './tensor-statistics';

const folder = mkdtempSync(path.join(os.tmpdir(), 'statistics-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function statisticsOf(data: Float32Array) {
  const file = path.join(folder, 'x.safetensors');
  await writeSafetensors(file, [{ name: 'x', shape: [data.length], data }]);
  return tensorStatistics(file, 'x');
}

describe('tensorStatistics', () => {
  it('is right about a ramp longer than a piece', async () => {
    const length = 3 * 1024 * 1024 + 5;
    const statistics = await statisticsOf(Float32Array.from({ length }, (_, i) => i - 7));
    expect(statistics).toMatchObject({ count: length, nans: 0, infinities: 0, zeros: 1 });
    expect(statistics).toMatchObject({ min: -7, max: length - 8, mean: (length - 1) / 2 - 7 });
    // The deviation of 0 … n − 1 is √((n² − 1)/12).
    expect(statistics.deviation! / Math.sqrt((length ** 2 - 1) / 12)).toBeCloseTo(1, 10);
    expect(statistics.histogram).toHaveLength(HISTOGRAM_PARTS);
    expect(statistics.histogram.reduce((a, b) => a + b)).toBe(length);
    for (const part of statistics.histogram) {
      expect(Math.abs(part - length / HISTOGRAM_PARTS)).toBeLessThanOrEqual(1);
    }
  });

  it('counts what is not finite, and leaves it out of the rest', async () => {
    const data = Float32Array.of(NaN, 1, -Infinity, 3, NaN, 0, Infinity);
    const { histogram, ...rest } = await statisticsOf(data);
    const range = { min: 0, max: 3, mean: 4 / 3, deviation: Math.sqrt(14) / 3 };
    expect(rest).toEqual({ count: 7, nans: 2, infinities: 2, zeros: 1, ...range });
    expect([histogram[0], histogram[Math.floor(HISTOGRAM_PARTS / 3)], histogram.at(-1)]).toEqual([
      1, 1, 1,
    ]);
  });

  it('knows tensors of one value, of no finite value and of none', async () => {
    expect(await statisticsOf(new Float32Array(5).fill(2))).toMatchObject({
      min: 2,
      max: 2,
      deviation: 0,
      histogram: Float64Array.of(5),
    });
    const nothing = { min: null, max: null, mean: null, deviation: null };
    expect(await statisticsOf(Float32Array.of(NaN))).toMatchObject({ nans: 1, ...nothing });
    expect(await statisticsOf(new Float32Array())).toMatchObject({ count: 0, ...nothing });
  });
});

describe('toNumbers', () => {
  const bytes = (...list: number[]) => Uint8Array.from(list);

  it('reads numbers of 8 bits as the format’s paper has them', () => {
    const e4m3 = [0x00, 0x01, 0x08, 0x38, 0x7e, 0xb8, 0x7f];
    expect([...toNumbers('F8_E4M3', bytes(...e4m3))]).toEqual([
      0,
      2 ** -9,
      2 ** -6,
      1,
      448,
      -1,
      NaN,
    ]);
    const e5m2 = [0x01, 0x04, 0x3c, 0x7b, 0x7c, 0xfc, 0x7d];
    expect([...toNumbers('F8_E5M2', bytes(...e5m2))]).toEqual([
      2 ** -16,
      2 ** -14,
      1,
      57344,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });

  it('reads whole numbers with their signs', () => {
    const ones = new Uint8Array(8).fill(0xff);
    expect([...toNumbers('I64', ones)]).toEqual([-1]);
    expect([...toNumbers('U64', ones)]).toEqual([2 ** 64]);
    expect([...toNumbers('I32', ones)]).toEqual([-1, -1]);
    expect([...toNumbers('U32', ones)]).toEqual([2 ** 32 - 1, 2 ** 32 - 1]);
    expect([...toNumbers('I16', ones.subarray(0, 2))]).toEqual([-1]);
    expect([...toNumbers('U16', ones.subarray(0, 2))]).toEqual([65535]);
    expect([...toNumbers('I8', ones.subarray(0, 1))]).toEqual([-1]);
    expect([...toNumbers('BOOL', bytes(0, 1))]).toEqual([0, 1]);
  });
});

it('gives the same numbers as the reader of weights', async () => {
  const data = Float32Array.from({ length: 1024 * 1024 + 3 }, (_, i) => Math.sin(i));
  const place = path.join(folder, 'pieces.safetensors');
  await writeSafetensors(place, [{ name: 'x', shape: [data.length], data }]);
  const file = await SafetensorsFile.open(place);
  const pieces: number[] = [];
  for await (const piece of numbersOf(file, 'x')) pieces.push(...[piece.length, piece[0]!]);
  await file.close();
  expect(pieces).toEqual([1024 * 1024, 0, 3, data[1024 * 1024]!]);
});
