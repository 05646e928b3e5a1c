import { describe, expect, it } from 'vitest';
import { drained } from '../base/drained';
import { StoppedError } from '../base/errors';
import { readImages } from '../data/images';
import type { ImageReader } from '../data/reader';
import type { ImageSource } from '../data/source';
import { readReference, referenceCounts } from './reference';

const source = (imageSize: number, channels: 1 | 3): ImageSource => ({
  spec: 'digits',
  description: 'digits',
  skipped: [],
  origin: { kind: 'digits' },
  count: 100_000,
  imageSize,
  channels,
  classNames: null,
  fingerprint: 'digits',
});

describe('the images that an evaluation compares with', () => {
  it('are fewer where they are large, so that they fit the memory', () => {
    expect(referenceCounts(source(32, 3), 0.1)).toEqual({ train: 10_000, heldOut: 2_000 });
    const { train, heldOut } = referenceCounts(source(128, 3), 0.1);
    const bytes = 4 * 3 * 128 ** 2 * (train + heldOut);
    expect(bytes).toBeLessThanOrEqual(2 ** 28);
    expect(bytes).toBeGreaterThan(0.99 * 2 ** 28);
    expect(referenceCounts(source(1024, 3), 0.1)).toEqual({ train: 90, heldOut: 10 });
  });

  it('are read piece by piece, until a stop', async () => {
    const controller = new AbortController();
    const shares: number[] = [];
    const reading = readReference(source(1024, 1), 0.1, controller.signal);
    const stopped = drained(reading, (share) => {
      shares.push(share);
      controller.abort();
    });
    await expect(stopped).rejects.toThrow(StoppedError);
    expect(shares).toEqual([0.04]);
  });

  it('are the same as one by one', () => {
    const size = 3 * 512 ** 2;
    const reader: ImageReader = {
      source: source(512, 3),
      read: (indices, out, labels) => {
        for (let i = 0; i < indices.length; i++) {
          out.fill(indices[i]!, i * size, (i + 1) * size);
          out[i * size] = 255;
          labels[i] = 2 * indices[i]!;
        }
      },
      close: () => undefined,
    };
    const indices = Uint32Array.from([7, 3, 0, 9, 51, 102, 8]);
    const { data, labels, count } = readImages(reader, indices);
    expect(count).toBe(7);
    expect([...labels]).toEqual([14, 6, 0, 18, 102, 204, 16]);
    indices.forEach((index, i) => {
      expect(data[i * size]).toBe(1);
      expect(data[i * size + 1]).toBeCloseTo(index / 127.5 - 1, 6);
      expect(data[(i + 1) * size - 1]).toBe(data[i * size + 1]);
    });
  });
});
