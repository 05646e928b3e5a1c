import { describe, expect, it } from 'vitest';
import { digitLabel, drawDigit } from './digits';

function draw(index: number, size = 16, channels: 1 | 3 = 1): Uint8Array {
  const out = new Uint8Array(channels * size * size);
  drawDigit(index, size, channels, out, 0);
  return out;
}

/** First and last row that holds ink. */
function inkedRows(image: Uint8Array, size: number): [number, number] {
  const rows = Array.from({ length: size }, (_, y) => y).filter((y) =>
    image.subarray(y * size, (y + 1) * size).some((value) => value > 100),
  );
  return [rows[0]!, rows.at(-1)!];
}

/** Areas of background that are not connected with each other (4-neighbours). */
function backgroundAreas(image: Uint8Array, size: number): number {
  const open = Array.from(image, (value) => value < 100);
  let areas = 0;
  for (let start = 0; start < open.length; start++) {
    if (!open[start]) continue;
    areas++;
    const waiting = [start];
    while (waiting.length > 0) {
      const at = waiting.pop()!;
      if (!open[at]) continue;
      open[at] = false;
      if (at % size > 0) waiting.push(at - 1);
      if (at % size < size - 1) waiting.push(at + 1);
      if (at >= size) waiting.push(at - size);
      if (at + size < open.length) waiting.push(at + size);
    }
  }
  return areas;
}

describe('drawDigit', () => {
  it('is a function of index, size and channels, wherever it is written', () => {
    const out = new Uint8Array(3 * 256).fill(7);
    drawDigit(123, 16, 1, out, 256);
    expect(out.slice(256, 512)).toEqual(draw(123));
    expect(out.slice(0, 256).every((value) => value === 7)).toBe(true);
    expect(out.slice(512).every((value) => value === 7)).toBe(true);
    expect(draw(123)).not.toEqual(draw(133));
  });

  it('gives each label once in ten images', () => {
    expect(Array.from({ length: 20 }, (_, i) => digitLabel(i)).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)),
    );
  });

  it.each([8, 16, 28, 32, 64, 128])(
    'fills about four fifths of the height at %i pixels',
    (size) => {
      let height = 0;
      for (let i = 0; i < 100; i++) {
        const [first, last] = inkedRows(draw(i, size), size);
        height += (last - first + 1) / size / 100;
        expect(first).toBeGreaterThanOrEqual(0);
      }
      expect(height).toBeGreaterThan(0.7);
      expect(height).toBeLessThan(0.9);
    },
  );

  it('is white ink on black, as heavy as handwriting', () => {
    let sum = 0;
    let largest = 0;
    for (let i = 0; i < 200; i++) {
      for (const value of draw(i)) sum += value / 255 / 256 / 200;
      largest = Math.max(largest, ...draw(i));
    }
    // MNIST's mean is 0.13 with a wider margin.
    expect(sum).toBeGreaterThan(0.1);
    expect(sum).toBeLessThan(0.22);
    expect(largest).toBe(255);
  });

  it('draws the holes that a digit has: mostly none in 1, 5 and 7, one in 0, two in 8', () => {
    const areas = (label: number) =>
      Array.from({ length: 50 }, (_, i) => backgroundAreas(draw(10 * i + label, 64), 64) - 1);
    const share = (label: number, holes: number) =>
      areas(label).filter((found) => found === holes).length / 50;
    for (const label of [1, 5, 7]) expect(share(label, 0)).toBeGreaterThan(0.8);
    expect(share(0, 1)).toBeGreaterThan(0.9);
    expect(share(8, 2)).toBeGreaterThan(0.9);
  });

  it('draws bright colours on a dark ground when there are three channels', () => {
    const image = draw(8, 32, 3);
    expect(Math.max(...image)).toBeGreaterThan(200);
    const corners = [0, 31, 31 * 32, 32 * 32 - 1].flatMap((at) =>
      [0, 1, 2].map((channel) => image[channel * 1024 + at]!),
    );
    expect(Math.max(...corners)).toBeLessThan(64);
    expect(image.slice(0, 1024)).not.toEqual(image.slice(1024, 2048));
  });
});
