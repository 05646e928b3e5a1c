import { describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { openSource, type OpenOptions } from './open';
import { openReader } from './reader';
import { drawDigit } from './digits';

const open = (spec: string, options: Partial<OpenOptions> = {}) =>
  openSource(spec, { cacheFolder: '/nowhere', ...options });

describe('openSource', () => {
  it('opens the built-in digits without touching the disk', async () => {
    const source = await open('digits');
    expect(source).toMatchObject({ count: 20_000, imageSize: 16, channels: 1, skipped: [] });
    expect(source.classNames).toHaveLength(10);
    expect(structuredClone(source)).toEqual(source);
    const out = new Uint8Array(2 * 256);
    const labels = new Int32Array(2);
    openReader(source).read([14, 3], out, labels);
    const expected = new Uint8Array(256);
    drawDigit(3, 16, 1, expected, 0);
    expect(out.slice(256)).toEqual(expected);
    expect([...labels]).toEqual([4, 3]);
  });

  it('gives digits of another size another fingerprint', async () => {
    const prints = await Promise.all(
      [{}, { imageSize: 16 }, { imageSize: 32 }, { channels: 3 } as const].map(
        async (options) => (await open('digits', options)).fingerprint,
      ),
    );
    expect(prints[0]).toBe(prints[1]);
    expect(new Set(prints).size).toBe(3);
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, Partial<OpenOptions>, RegExp]>([
    ['digits', { imageSize: 7 }, /image size 7 is out of range; choose a whole number from 8 to/],
    ['digits', { imageSize: 16.5 }, /image size 16.5 is out of range/],
    ['digits', { imageSize: 5000 }, /image size 5000 is out of range/],
    ['digits', { imageSize: NaN }, /image size NaN is out of range/],
    ['digits', { channels: 2 as 1 }, /cannot have 2 channels; choose 1 \(grey\) or 3/],
    ['digits', { resize: 'crop' as 'cover' }, /resize mode 'crop'; choose cover, contain, stretch/],
    ['.', { imageSize: 0 }, /image size 0 is out of range; choose a whole number from 1 to/],
    ['', {}, /data set '' names no place/],
    ['idx:', {}, /data set 'idx:' names no place/],
  ])('refuses %j with %j', async (spec, options, message) => {
    await expect(open(spec, options)).rejects.toThrow(UserError);
    await expect(open(spec, options)).rejects.toThrow(message);
  });
});
