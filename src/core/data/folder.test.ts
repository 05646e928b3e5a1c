import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { StoppedError, UserError } from '../base/errors';
import { openSource, type OpenOptions } from './open';
import { openReader } from './reader';
import { blackPng, halves, plain, TempFolder, type Rgb } from './testing';

let temp = new TempFolder();
beforeEach(() => {
  temp.remove();
  temp = new TempFolder();
});
afterAll(() => temp.remove());

const RED: Rgb = [220, 20, 40];
const BLUE: Rgb = [10, 60, 200];
const GREY: Rgb = [90, 90, 90];

const open = (options: Partial<OpenOptions> = {}, name = 'set') =>
  openSource(temp.at(name), { cacheFolder: temp.at('cache'), ...options });

/** The only image of the set, [C, H, W]. */
async function only(options: Partial<OpenOptions> = {}) {
  const source = await open(options);
  expect(source.skipped).toEqual([]);
  expect(source.count).toBe(1);
  const out = new Uint8Array(source.channels * source.imageSize ** 2);
  const reader = openReader(source);
  reader.read([0], out, new Int32Array(1));
  reader.close();
  const plane = source.imageSize ** 2;
  const at = (x: number, y: number) =>
    Array.from({ length: source.channels }, (_, c) => out[c * plane + y * source.imageSize + x]!);
  return { source, at };
}

function expectColour(actual: readonly number[], expected: readonly number[], tolerance = 12) {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(Math.abs(actual[i]! - value)).toBeLessThan(tolerance));
}

describe('kinds of images', () => {
  it.each([
    ['png', () => halves(16, 16, RED, BLUE).png()],
    ['palette.png', () => halves(16, 16, RED, BLUE).png({ palette: true })],
    ['interlaced.png', () => halves(16, 16, RED, BLUE).png({ progressive: true })],
    ['16-bit.png', () => halves(16, 16, RED, BLUE).toColourspace('rgb16').png()],
    ['jpg', () => halves(16, 16, RED, BLUE).jpeg({ quality: 100, chromaSubsampling: '4:4:4' })],
    ['JPEG', () => halves(16, 16, RED, BLUE).jpeg({ quality: 100, progressive: true })],
    ['webp', () => halves(16, 16, RED, BLUE).webp({ lossless: true })],
    ['avif', () => halves(16, 16, RED, BLUE).avif({ quality: 90, chromaSubsampling: '4:4:4' })],
    ['tiff', () => halves(16, 16, RED, BLUE).tiff({ compression: 'lzw' })],
    ['tif', () => halves(16, 16, RED, BLUE).tiff({ compression: 'none' })],
    ['gif', () => halves(16, 16, RED, BLUE).gif()],
  ])('reads %s', async (name, make) => {
    temp.write(`set/image.${name}`, await make().toBuffer());
    const { source, at } = await only();
    expect(source).toMatchObject({ imageSize: 16, channels: 3, classNames: null });
    expectColour(at(2, 8), RED);
    expectColour(at(13, 8), BLUE);
  });

  it('reads CMYK', async () => {
    const file = await plain(16, 16, RED).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(file).metadata()).space).toBe('cmyk');
    temp.write('set/a.jpg', file);
    const { at } = await only();
    expectColour(at(8, 8), RED, 60);
  });

  it.each([1, 3] as const)('reads 16-bit grey to %i channels', async (channels) => {
    const words = new Uint16Array(16 * 16).fill(90 * 257);
    const grey = { width: 16, height: 16, channels: 1 } as const;
    const file = await sharp(words, { raw: grey }).toColourspace('grey16').png().toBuffer();
    expect(await sharp(file).metadata()).toMatchObject({ depth: 'ushort', channels: 1 });
    temp.write('set/a.png', file);
    const { at } = await only({ channels });
    expectColour(at(8, 8), new Array<number>(channels).fill(90), 2);
  });

  it('takes grey images as one channel, also with alpha, and colour ones on request', async () => {
    const flat = {
      create: { width: 16, height: 16, channels: 4, background: '#5a5a5aff' },
    } as const;
    const file = await sharp(flat).toColourspace('b-w').png().toBuffer();
    expect((await sharp(file).metadata()).channels).toBe(2);
    temp.write('set/a.png', file);
    const { source, at } = await only();
    expect(source.channels).toBe(1);
    expectColour(at(8, 8), [90], 2);
    expectColour((await only({ channels: 3 })).at(8, 8), GREY, 2);
  });

  it('lays transparent images over black', async () => {
    const half = { r: 200, g: 100, b: 50, alpha: 0.5 };
    const create = { width: 16, height: 16, channels: 4, background: half } as const;
    temp.write('set/a.png', await sharp({ create }).png().toBuffer());
    expectColour((await only()).at(8, 8), [100, 50, 25], 3);
  });

  it.each([1, 3, 6, 8])('turns images as EXIF orientation %i says', async (orientation) => {
    const turned = { 1: 0, 3: 180, 6: 270, 8: 90 }[orientation]!;
    const stored = await halves(16, 16, RED, BLUE).png().toBuffer();
    const rotated = sharp(await sharp(stored).rotate(turned).png().toBuffer());
    const file = await rotated.withMetadata({ orientation }).jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(file).metadata()).orientation).toBe(orientation);
    temp.write('set/a.jpg', file);
    const { at } = await only();
    expectColour(at(2, 8), RED, 30);
    expectColour(at(13, 8), BLUE, 30);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat(
      await Promise.all([RED, BLUE].map((c) => plain(16, 16, c).raw().toBuffer())),
    );
    const raw = { width: 16, height: 32, channels: 3, pageHeight: 16 } as const;
    const file = await sharp(frames, { raw })
      .gif({ delay: [100, 100] })
      .toBuffer();
    expect((await sharp(file).metadata()).pages).toBe(2);
    temp.write('set/a.gif', file);
    expectColour((await only()).at(8, 8), RED);
  });

  it('reads an image of one pixel', async () => {
    temp.write('set/a.png', await plain(1, 1, RED).png().toBuffer());
    const { source, at } = await only();
    expect(source.imageSize).toBe(32);
    expectColour(at(31, 0), RED, 2);
  });
});

describe('resize modes', () => {
  it.each([
    ['cover', RED, BLUE, RED, BLUE],
    ['stretch', RED, BLUE, RED, BLUE],
    ['contain', [0, 0, 0], [0, 0, 0], RED, BLUE],
  ] as const)('%s', async (resize, topLeft, topRight, left, right) => {
    temp.write('set/a.png', await halves(64, 32, RED, BLUE).png().toBuffer());
    const { at } = await only({ resize, imageSize: 16 });
    expectColour(at(1, 1), topLeft);
    expectColour(at(14, 1), topRight);
    expectColour(at(5, 8), left);
    expectColour(at(11, 8), right);
  });

  it('cover keeps the middle', async () => {
    const wide = halves(96, 32, RED, BLUE).composite([
      { input: await plain(30, 32, GREY).png().toBuffer(), left: 0, top: 0 },
    ]);
    temp.write('set/a.png', await wide.png().toBuffer());
    const { at } = await only({ imageSize: 16 });
    expectColour(at(2, 8), RED);
    expectColour((await only({ imageSize: 16, resize: 'stretch' })).at(2, 8), GREY);
  });
});

describe('size and channels by default', () => {
  it.each([
    [
      'alike, square, small',
      [
        [24, 24],
        [24, 24],
      ],
      24,
    ],
    [
      'alike but large',
      [
        [100, 100],
        [100, 100],
      ],
      32,
    ],
    [
      'alike but tiny',
      [
        [4, 4],
        [4, 4],
      ],
      32,
    ],
    [
      'not square',
      [
        [24, 20],
        [24, 20],
      ],
      32,
    ],
    [
      'not alike',
      [
        [24, 24],
        [20, 20],
      ],
      32,
    ],
  ] as const)('%s', async (_, sizes, expected) => {
    for (const [i, [width, height]] of sizes.entries()) {
      temp.write(`set/${i}.png`, await plain(width, height, GREY).png().toBuffer());
    }
    expect((await open()).imageSize).toBe(expected);
  });

  it('takes three channels as soon as one image has colour', async () => {
    const grey = plain(16, 16, GREY).toColourspace('b-w');
    temp.write('set/a.png', await grey.png().toBuffer());
    expect((await open()).channels).toBe(1);
    temp.write('set/b.png', await plain(16, 16, RED).png().toBuffer());
    expect((await open()).channels).toBe(3);
  });
});

describe('folders', () => {
  const png = () => plain(8, 8, RED).png().toBuffer();

  it('takes first-level folders as classes, sorted by name', async () => {
    for (const name of ['dog/1.png', 'cat/1.png', 'cat/old/deep/2.png', 'dog/notes.txt']) {
      temp.write(`set/${name}`, await png());
    }
    const source = await open();
    expect(source.classNames).toEqual(['cat', 'dog']);
    expect(source.description).toBe(`3 images in ${temp.at('set')} (2 classes)`);
    const labels = new Int32Array(3);
    openReader(source).read([2, 0, 1], new Uint8Array(3 * 192), labels);
    expect([...labels]).toEqual([1, 0, 0]);
  });

  it('has no classes where an image lies beside the folders, or all in one', async () => {
    temp.write('set/cat/1.png', await png());
    expect((await open()).classNames).toBeNull();
    temp.write('set/dog/1.png', await png());
    expect((await open()).classNames).toEqual(['cat', 'dog']);
    temp.write('set/1.png', await png());
    expect((await open()).classNames).toBeNull();
  });

  it('follows links, each folder once, and never in circles', async () => {
    temp.write('set/a/1.png', await png());
    temp.write('elsewhere/2.png', await png());
    symlinkSync(temp.at('set'), temp.at('set/a/up'));
    symlinkSync(temp.at('set/a'), temp.at('set/b'));
    symlinkSync(temp.at('elsewhere'), temp.at('set/z'));
    const source = await open();
    expect(source.count).toBe(2);
    expect(source.skipped).toEqual([]);
  });

  it('passes over names that start with a dot, and folders named like images', async () => {
    temp.write('set/1.png', await png());
    temp.write('set/._1.png', 'resource fork');
    temp.write('set/.hidden/2.png', await png());
    mkdirSync(temp.at('set/folder.png'));
    const source = await open();
    expect(source.count).toBe(1);
    expect(source.skipped).toEqual([]);
  });

  it('stops when the signal is aborted, and leaves nothing half-written', async () => {
    for (let i = 0; i < 20; i++) temp.write(`set/${i}.png`, await png());
    const control = new AbortController();
    const opening = open({
      signal: control.signal,
      onProgress: ({ what }) => what === 'reading files' && control.abort(),
    });
    await expect(opening).rejects.toThrow(StoppedError);
    const late = new AbortController();
    const decoding = open({
      signal: late.signal,
      onProgress: ({ what }) => what === 'decoding images' && late.abort(),
    });
    await expect(decoding).rejects.toThrow(StoppedError);
    expect(readdirSync(temp.at('cache')).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });

  it('tells its progress', async () => {
    for (let i = 0; i < 3; i++) temp.write(`set/${i}.png`, await png());
    const seen: string[] = [];
    await open({ onProgress: ({ what, done, total }) => seen.push(`${what} ${done}/${total}`) });
    expect(seen).toEqual(['reading files 3/3', 'decoding images 3/3']);
  });
});

describe('bad files', () => {
  it('are named with a reason in words, and skipped', async () => {
    const good = await halves(64, 64, RED, BLUE).png({ compressionLevel: 0 }).toBuffer();
    const jpeg = await halves(64, 64, RED, BLUE).jpeg().toBuffer();
    temp.write('set/empty.png', '');
    temp.write('set/good.png', good);
    temp.write('set/huge.png', blackPng(20_000));
    temp.write('set/cut.png', good.subarray(0, good.length / 2));
    temp.write('set/cut.jpg', jpeg.subarray(0, jpeg.length / 2));
    temp.write('set/header.png', good.subarray(0, 10));
    temp.write('set/text.jpg', 'This is no picture.');
    temp.write('set/vector.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    symlinkSync(temp.at('absent'), temp.at('set/dangling.png'));
    symlinkSync('circle.png', temp.at('set/circle.png'));
    const source = await open();
    expect(source.count).toBe(1);
    expect(Object.fromEntries(source.skipped.map(({ path, reason }) => [path, reason]))).toEqual({
      'circle.png': 'its symbolic links go in circles',
      'cut.jpg': 'it is damaged or cut short',
      'cut.png': 'it is damaged or cut short',
      'dangling.png': 'it does not exist',
      'empty.png': 'it is empty',
      'header.png': 'it is damaged or cut short',
      'huge.png': 'it has more than 100 million pixels',
      'text.jpg': 'its content is not a PNG, JPEG, WebP, AVIF, TIFF or GIF image',
      'vector.png': 'its content is not a PNG, JPEG, WebP, AVIF, TIFF or GIF image',
    });
    expect((await open()).skipped).toEqual(source.skipped);
  });

  it('that are large, but not too large, are read in their turn', async () => {
    for (const name of ['a', 'b']) {
      temp.write(`set/${name}.png`, await plain(3000, 3000, RED).png().toBuffer());
    }
    expect(await open()).toMatchObject({ count: 2, skipped: [] });
  });

  it('make an error when no other is there', async () => {
    temp.write('set/a.png', 'no');
    temp.write('set/b.png', '');
    await expect(open()).rejects.toThrow(UserError);
    await expect(open()).rejects.toThrow(
      /No image in the data set folder .*set can be read \(a\.png: its content is not .*, and so on for 2 in all\)/,
    );
    expect(readdirSync(temp.at('cache')).filter((name) => !name.endsWith('.json'))).toEqual([]);
  });
});

describe('bad places', () => {
  it.each<[string, () => void, RegExp]>([
    ['missing', () => undefined, /set: it does not exist; give a folder of images/],
    ['a file', () => temp.write('set', 'x'), /set is a file, not a folder; give a folder/],
    ['empty', () => mkdirSync(temp.at('set')), /set is empty; put PNG, JPEG/],
    ['without images', () => temp.write('set/a.txt', ''), /set holds no images among 1 files/],
    ['below a file', () => temp.write('x', ''), /it does not exist/],
  ])('%s', async (_, prepare, message) => {
    prepare();
    await expect(open()).rejects.toThrow(UserError);
    await expect(open()).rejects.toThrow(message);
  });
});
