import { beforeAll, expect, it } from 'vitest';
import { drained } from '../base/drained';
import { normals, Stream } from '../base/random';
import type { Weights } from '../nn/parameters';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { trainClassifier } from './classifier';
import { agreement, Embedder } from './embed';
import type { LabelledImages } from '../data/images';
import { nearestImages, quantile } from './nearest';

const SIDE = 8;
const SIZE = SIDE * SIDE;
const runtime = new OnnxRuntime({ device: 'cpu', threads: 1 });
const net = { imageSize: SIDE, channels: 1, classes: 2 };

/** Bars in noise: upright ones are class 0, level ones class 1. */
function bars(count: number, seed: number): LabelledImages {
  const data = normals({ seed, stream: Stream.noise, index: 0 }, new Float32Array(count * SIZE));
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = i % 2;
    const line = (i >> 1) % SIDE;
    for (let j = 0; j < SIDE; j++) {
      const pixel = labels[i] === 0 ? j * SIDE + line : line * SIDE + j;
      data[i * SIZE + pixel]! += 3;
    }
  }
  return { data: data.map((x) => x / 4), labels, count };
}

let first: Weights;
beforeAll(async () => {
  first = await drained(trainClassifier(runtime, net, bars(256, 1)));
});

it('tells images that it has not seen apart', async () => {
  const unseen = bars(150, 2);
  const embedder = await Embedder.create(runtime, net, first);
  const { predicted, features } = await embedder.embed(unseen.data);
  await embedder.dispose();
  expect(features.count).toBe(150);
  expect(agreement(predicted, unseen.labels)).toBeGreaterThan(0.95);
});

it('is the same network from the same images', async () => {
  const second = await drained(trainClassifier(runtime, net, bars(256, 1)));
  for (const [name, { data }] of first) expect(second.get(name)!.data).toEqual(data);
});

it('finds the nearest image of each, as a plain search does', async () => {
  const images = bars(300, 3).data;
  const set = bars(520, 4).data;
  const found = await nearestImages(runtime, images, set, SIZE);
  for (let i = 0; i < 300; i += 37) {
    const distances = Array.from({ length: 520 }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < SIZE; k++) sum += (images[i * SIZE + k]! - set[j * SIZE + k]!) ** 2;
      return Math.sqrt(sum / SIZE);
    });
    expect(found.distance[i]).toBeCloseTo(Math.min(...distances), 5);
  }
});

it('finds a copy, at no distance', async () => {
  const set = bars(400, 5).data;
  const copy = set.slice(321 * SIZE, 322 * SIZE);
  const { index, distance } = await nearestImages(runtime, copy, set, SIZE);
  expect([index[0], distance[0]]).toEqual([321, 0]);
});

it('gives quantiles between values', () => {
  const values = Float32Array.of(4, 1, 3, 2);
  expect(quantile(values, 0.5)).toBe(2.5);
  expect(quantile(values, 0)).toBe(1);
  expect(quantile(values, 1)).toBe(4);
});
