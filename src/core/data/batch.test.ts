import { describe, expect, it } from 'vitest';
import { BatchMaker, makeBatch, type BatchRecipe } from './batch';
import type { ImageReader } from './reader';
import type { ImageSource } from './source';
import { splitOf } from './split';

/** Image i is [i, i + 100] in every row; its label is i. */
function countingReader(
  count: number,
  classNames: string[] | null = null,
  origin: ImageSource['origin'] = { kind: 'cache', file: '' },
): ImageReader {
  const source: ImageSource = {
    spec: 'counting',
    description: '',
    count,
    imageSize: 2,
    channels: 1,
    classNames,
    fingerprint: '',
    skipped: [],
    origin,
  };
  return {
    source,
    read(indices, out, labels) {
      for (let i = 0; i < indices.length; i++) {
        out.set([indices[i]!, indices[i]! + 100, indices[i]!, indices[i]! + 100], 4 * i);
        labels[i] = indices[i]!;
      }
    },
    close: () => undefined,
  };
}

const recipe: BatchRecipe = { batchSize: 4, timesteps: 100, seed: 5, horizontalFlip: false };
const idOf = (value: number) => Math.round((value + 1) * 127.5);

/** Which images a batch holds. */
function idsOf(images: Float32Array): number[] {
  return Array.from({ length: images.length / 4 }, (_, i) => idOf(images[4 * i]!));
}

describe('makeBatch', () => {
  it('gives every image once an epoch, each epoch in its own order', () => {
    const reader = countingReader(20);
    const maker = new BatchMaker(reader, recipe);
    const epochs = [0, 1, 2].map((epoch) =>
      [0, 1, 2, 3, 4].flatMap((i) => idsOf(maker.make(5 * epoch + i).images)),
    );
    for (const ids of epochs) {
      expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
    expect(epochs[0]).not.toEqual(epochs[1]);
    expect(epochs[1]).not.toEqual(epochs[2]);
  });

  it('takes new images of an endless set in each epoch', () => {
    const maker = new BatchMaker(countingReader(20, null, { kind: 'digits' }), recipe);
    const ids = Array.from({ length: 15 }, (_, i) => idsOf(maker.make(i).images)).flat();
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  it('never takes a held-out image, and every other once an epoch', () => {
    const reader = countingReader(20);
    const { train, heldOut } = splitOf(reader.source, 0.25);
    const maker = new BatchMaker(reader, { ...recipe, batchSize: 5, holdOut: 0.25 });
    const batches = Array.from({ length: 9 }, (_, i) => maker.make(i));
    for (const epoch of [0, 1, 2]) {
      const ids = [0, 1, 2].flatMap((i) => idsOf(batches[3 * epoch + i]!.images));
      expect([...ids].sort((a, b) => a - b)).toEqual([...train].sort((a, b) => a - b));
      expect(batches[3 * epoch]!.epoch).toBe(epoch);
    }
    expect(heldOut).toHaveLength(5);
    expect([...train, ...heldOut].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, i) => i),
    );
    const fresh = makeBatch(reader, { ...recipe, batchSize: 5, holdOut: 0.25 }, 7);
    expect(fresh).toEqual(batches[7]);
  });

  it('takes nothing away from an endless set, whose held-out images lie far off', () => {
    const reader = countingReader(20, null, { kind: 'digits' });
    expect(makeBatch(reader, { ...recipe, holdOut: 0.5 }, 8)).toEqual(makeBatch(reader, recipe, 8));
    const { train, heldOut } = splitOf(reader.source, 0.5);
    expect(train).toHaveLength(20);
    expect(Math.min(...heldOut)).toBeGreaterThanOrEqual(1e9);
  });

  it('goes on into the next epoch within a batch, and wraps a set smaller than a batch', () => {
    const six = [0, 1, 2].flatMap((i) => idsOf(makeBatch(countingReader(6), recipe, i).images));
    expect([...six.slice(0, 6)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...six.slice(6)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const large = makeBatch(countingReader(3), { ...recipe, batchSize: 9 }, 1);
    expect(idsOf(large.images).sort()).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(large.epoch).toBe(3);
  });

  it('gives the same batch at an index whatever was made before, and into old arrays', () => {
    const reader = countingReader(10, ['a']);
    const fresh = makeBatch(reader, recipe, 7);
    const maker = new BatchMaker(reader, recipe);
    const first = maker.make(0);
    maker.make(3);
    const again = maker.make(7, first);
    expect(again).toEqual(fresh);
    expect(again.images).toBe(first.images);
  });

  it('depends on the seed', () => {
    const reader = countingReader(10);
    const a = makeBatch(reader, recipe, 0);
    const b = makeBatch(reader, { ...recipe, seed: 6 }, 0);
    expect(a.noise).not.toEqual(b.noise);
    expect(a.timesteps).not.toEqual(b.timesteps);
    expect(idsOf(a.images)).not.toEqual(idsOf(b.images));
  });

  it('maps bytes to [-1, 1], draws noise from N(0, 1) and timesteps from 0 … T-1', () => {
    const reader = countingReader(1);
    reader.read = (_, out) => out.fill(0).set([255], 1);
    const batch = makeBatch(reader, { ...recipe, batchSize: 5000, timesteps: 10 }, 0);
    expect([...batch.images.slice(0, 4)]).toEqual([-1, 1, -1, -1]);
    const mean = batch.noise.reduce((sum, x) => sum + x, 0) / batch.noise.length;
    const square = batch.noise.reduce((sum, x) => sum + x * x, 0) / batch.noise.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(square - 1)).toBeLessThan(0.05);
    expect([...new Set(batch.timesteps)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('gives labels where there are classes, and null where there are none', () => {
    expect(makeBatch(countingReader(9), recipe, 0).labels).toBeNull();
    const batch = makeBatch(countingReader(9, ['a', 'b']), recipe, 0);
    expect([...batch.labels!]).toEqual(idsOf(batch.images));
  });

  it('mirrors about half of the images, and nothing else about them', () => {
    const options = { ...recipe, batchSize: 1000 };
    const straight = makeBatch(countingReader(50), options, 2).images;
    const flipped = makeBatch(countingReader(50), { ...options, horizontalFlip: true }, 2).images;
    let mirrored = 0;
    for (let row = 0; row < straight.length; row += 2) {
      const [left, right] = straight.subarray(row, row + 2);
      const isMirrored = flipped[row] === right;
      if (isMirrored) mirrored++;
      expect([...flipped.subarray(row, row + 2)]).toEqual(
        isMirrored ? [right, left] : [left, right],
      );
    }
    expect(mirrored / straight.length).toBeGreaterThan(0.2);
    expect(mirrored / straight.length).toBeLessThan(0.3);
  });
});

describe('withheld classes', () => {
  const named = () => countingReader(10, 'abcdefghij'.split(''));
  const withheld = { ...recipe, batchSize: 1000, classDropout: 0.1 };

  it('are the null class, after the last, for a share of the images; the others keep theirs', () => {
    const batches = [0, 1, 2, 3].map((i) => makeBatch(named(), withheld, i));
    const labels = batches.map((batch) => [...batch.labels!]);
    const nulls = labels.flat().filter((label) => label === 10).length;
    // 4,000 draws of probability 0.1: 400 ± 19; five deviations.
    expect(Math.abs(nulls - 400)).toBeLessThan(95);
    batches.forEach((batch, b) => {
      const ids = idsOf(batch.images);
      labels[b]!.forEach((label, i) => expect([ids[i], 10]).toContain(label));
    });
    const places = labels.map((each) => each.flatMap((label, i) => (label === 10 ? i : [])));
    expect(places[0]).not.toEqual(places[1]);
  });

  it('are the same whenever the batch is made, and change nothing else', () => {
    const plain = makeBatch(named(), { ...withheld, classDropout: 0 }, 2);
    const one = makeBatch(named(), withheld, 2);
    expect([...one.labels!]).toEqual([...makeBatch(named(), withheld, 2).labels!]);
    expect({ ...one, labels: plain.labels }).toEqual(plain);
    expect(makeBatch(countingReader(10), withheld, 0).labels).toBeNull();
  });
});

describe('offset noise', () => {
  it('is plain noise and a draw for each image and channel, of the strength asked for', () => {
    const reader = countingReader(10);
    const many = { ...recipe, batchSize: 1000 };
    const plain = makeBatch(reader, many, 3);
    const offset = makeBatch(reader, { ...many, noiseOffset: 0.5 }, 3);
    const shifts = Array.from({ length: 1000 }, (_, i) => {
      const pixels = [0, 1, 2, 3].map((p) => offset.noise[4 * i + p]! - plain.noise[4 * i + p]!);
      pixels.forEach((shift) => expect(shift).toBeCloseTo(pixels[0]!, 5));
      return pixels[0]!;
    });
    const mean = shifts.reduce((sum, x) => sum + x, 0) / 1000;
    const deviation = Math.sqrt(shifts.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 999);
    // Standard errors are 0.016 and 0.011: four of them.
    expect(Math.abs(mean)).toBeLessThan(0.064);
    expect(Math.abs(deviation - 0.5)).toBeLessThan(0.045);
    expect({ ...offset, noise: plain.noise }).toEqual(plain);
  });
});
