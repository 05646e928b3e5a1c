import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { openSource, type OpenOptions } from './open';
import { openReader } from './reader';
import { GreyResampler } from './resample';
import { idx, TempFolder } from './testing';

let temp = new TempFolder();
beforeEach(() => {
  temp.remove();
  temp = new TempFolder();
});
afterAll(() => temp.remove());

const pixels = Array.from({ length: 3 * 4 * 4 }, (_, i) => (i * 37) % 256);
const images = idx([3, 4, 4], pixels);
const labels = idx([3], [2, 0, 1]);
const TRAIN = 'train-images-idx3-ubyte';
const TRAIN_LABELS = 'train-labels-idx1-ubyte';

const open = (place: string, options: Partial<OpenOptions> = {}) =>
  openSource(`idx:${place}`, { cacheFolder: temp.at('cache'), ...options });

async function readAll(place: string, options: Partial<OpenOptions> = {}) {
  const source = await open(place, options);
  const bytes = source.channels * source.imageSize ** 2;
  const out = new Uint8Array(source.count * bytes);
  const ids = new Int32Array(source.count);
  const reader = openReader(source);
  reader.read(
    Array.from({ length: source.count }, (_, i) => i),
    out,
    ids,
  );
  reader.close();
  return { source, out: [...out], ids: [...ids] };
}

describe('IDX files', () => {
  it.each([
    ['plain', TRAIN, TRAIN_LABELS, images, labels],
    ['gzipped', `${TRAIN}.gz`, `${TRAIN_LABELS}.gz`, gzipSync(images), gzipSync(labels)],
    ['labels alone gzipped', TRAIN, `${TRAIN_LABELS}.gz`, images, gzipSync(labels)],
    ['dotted', 'train-images.idx3-ubyte', 'train-labels.idx1-ubyte', images, labels],
    ['gzipped without saying so', TRAIN, TRAIN_LABELS, gzipSync(images), gzipSync(labels)],
  ])('are found in their folder with their labels: %s', async (_, name, beside, a, b) => {
    temp.write(`set/${name}`, a);
    temp.write(`set/${beside}`, b);
    const { source, out, ids } = await readAll(temp.at('set'));
    expect(source).toMatchObject({ count: 3, imageSize: 4, channels: 1 });
    expect(source.classNames).toEqual(['0', '1', '2']);
    expect(source.description).toBe(`3 images in ${temp.at('set', name)} (3 classes)`);
    expect(out).toEqual(pixels);
    expect(ids).toEqual([2, 0, 1]);
  });

  it('are the training images where test images lie beside', async () => {
    temp.write('set/t10k-images-idx3-ubyte', idx([1, 4, 4], pixels.slice(0, 16)));
    expect((await open(temp.at('set'))).count).toBe(1);
    temp.write(`set/${TRAIN}`, images);
    expect((await open(temp.at('set'))).count).toBe(3);
    expect((await open(temp.at('set/t10k-images-idx3-ubyte'))).count).toBe(1);
  });

  it('have no classes without labels', async () => {
    const { source, ids } = await readAll(temp.write('my-own.idx', images));
    expect(source.classNames).toBeNull();
    expect(ids).toEqual([0, 0, 0]);
  });

  it('come as three like channels when three are asked for', async () => {
    const { out } = await readAll(temp.write('i', idx([1, 2, 2], [1, 2, 3, 4])), { channels: 3 });
    expect(out).toEqual([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  });

  it('have a fingerprint of content, labels and options, not of place', async () => {
    const a = await open(temp.write(`a/${TRAIN}`, images));
    expect((await open(temp.write(`b/${TRAIN}`, images))).fingerprint).toBe(a.fingerprint);
    expect((await open(temp.at(`a/${TRAIN}`), { imageSize: 8 })).fingerprint).not.toBe(
      a.fingerprint,
    );
    temp.write(`a/${TRAIN_LABELS}`, labels);
    expect((await open(temp.at(`a/${TRAIN}`))).fingerprint).not.toBe(a.fingerprint);
  });

  it.each<[string, Record<string, Uint8Array | string>, RegExp]>([
    [
      'wrong magic',
      { x: 'hello, world' },
      /x is not an IDX file: it starts with 68 65 6c 6c where/,
    ],
    ['empty', { x: '' }, /x is not an IDX file: it starts with nothing where/],
    ['floats', { x: idx([1, 1, 1], [0, 0, 0, 0], 13) }, /x holds 32-bit floats, but images/],
    ['unknown type', { x: idx([1, 1, 1], [0], 99) }, /x holds values of unknown type 0x63/],
    ['labels', { x: labels }, /x holds labels where images are needed/],
    ['2 dimensions', { x: idx([2, 2], [1, 2, 3, 4]) }, /x holds values of 2 dimensions where/],
    ['no images', { x: idx([0, 4, 4], []) }, /x holds no records/],
    ['no pixels', { x: idx([1, 0, 4], []) }, /x announces images of 0×4 pixels/],
    ['huge images', { x: idx([1, 70000, 70000], []) }, /x announces images of 70000×70000/],
    ['short', { x: images.subarray(0, -1) }, /x ends after 2 of 3 records/],
    ['short header', { x: images.subarray(0, 9) }, /x ends within its header/],
    ['long', { x: Buffer.concat([images, Buffer.from([0])]) }, /x is longer than the 3 records/],
    ['short gzip', { x: gzipSync(images).subarray(0, -12) }, /x ends within its gzip data/],
    ['damaged gzip', { x: damaged(gzipSync(images)) }, /gzip data of .*x is damaged/],
    [
      'too few labels',
      { [TRAIN]: images, [TRAIN_LABELS]: idx([2], [0, 1]) },
      /labels-idx1-ubyte holds 2 labels, but .*images-idx3-ubyte 3 images/,
    ],
    [
      'short labels',
      { [TRAIN]: images, [TRAIN_LABELS]: labels.subarray(0, -1) },
      /labels-idx1-ubyte ends after 2 of 3 records/,
    ],
    [
      'images for labels',
      { [TRAIN]: images, [TRAIN_LABELS]: images },
      /labels-idx1-ubyte holds values of 3 dimensions where labels are needed/,
    ],
  ])('say what is wrong and where: %s', async (_, files, message) => {
    for (const [name, content] of Object.entries(files)) temp.write(`set/${name}`, content);
    const opening = open(temp.at('set', Object.keys(files)[0]!));
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
  });

  it('say what is wrong with the place', async () => {
    await expect(open(temp.at('absent'))).rejects.toThrow(/absent: it does not exist; give an IDX/);
    temp.write('set/notes.txt', '');
    await expect(open(temp.at('set'))).rejects.toThrow(/set holds no IDX images \(train-images/);
  });
});

/** The bytes with some in the middle changed. */
function damaged(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let i = 14; i < 24; i++) copy[i]! ^= 0xff;
  return copy;
}

describe('GreyResampler', () => {
  const wave = (y: number, x: number) => 128 + 60 * Math.sin(6 * x) + 60 * Math.cos(5 * y);
  /** The wave at the middles of pixels, the image being a unit square. */
  const sampled = (rows: number, columns: number) =>
    Float64Array.from({ length: rows * columns }, (_, i) =>
      wave((Math.floor(i / columns) + 0.5) / rows, ((i % columns) + 0.5) / columns),
    );

  it.each([
    [28, 28, 16],
    [28, 28, 32],
    [50, 40, 13],
    [20, 40, 64],
  ])('keeps a smooth image in its place: %i×%i to %i', (rows, columns, size) => {
    const options = { imageSize: size, channels: 1, resize: 'stretch' } as const;
    const out = new GreyResampler(rows, columns, options).resample(
      Uint8Array.from(sampled(rows, columns), Math.round),
    );
    const expected = sampled(size, size);
    const edge = Math.ceil((3 * size) / Math.min(size, rows, columns));
    for (let y = edge; y < size - edge; y++) {
      for (let x = edge; x < size - edge; x++) {
        expect(Math.abs(out[y * size + x]! - expected[y * size + x]!)).toBeLessThan(3);
      }
    }
  });

  it.each([
    [28, 28, 16, 'cover'],
    [20, 40, 12, 'cover'],
    [20, 40, 12, 'stretch'],
  ] as const)(
    'shrinks as the image library: %i×%i to %i, %s',
    async (rows, columns, size, mode) => {
      const image = Uint8Array.from(sampled(rows, columns), Math.round);
      const fit = mode === 'stretch' ? 'fill' : mode;
      const expected = await sharp(image, { raw: { width: columns, height: rows, channels: 1 } })
        .resize(size, size, { fit })
        .toColourspace('b-w')
        .raw()
        .toBuffer();
      const options = { imageSize: size, channels: 1, resize: mode } as const;
      const out = new GreyResampler(rows, columns, options).resample(image);
      for (let i = 0; i < out.length; i++) expect(Math.abs(out[i]! - expected[i]!)).toBeLessThan(5);
    },
  );

  it('keeps a flat image flat, to its edges', () => {
    for (const resize of ['cover', 'stretch'] as const) {
      const resampler = new GreyResampler(9, 13, { imageSize: 7, channels: 1, resize });
      expect(new Set(resampler.resample(new Uint8Array(117).fill(200)))).toEqual(new Set([200]));
    }
  });

  it('puts black bars beside an image that is contained', () => {
    const resampler = new GreyResampler(8, 16, { imageSize: 16, channels: 1, resize: 'contain' });
    const out = resampler.resample(new Uint8Array(128).fill(200));
    expect([out[0], out[3 * 16 + 5], out[8 * 16], out[8 * 16 + 15], out[255]]).toEqual([
      0, 0, 200, 200, 0,
    ]);
  });
});
