import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from './errors';
import type { ImageBatch } from './picture';
import {
  encodePng,
  gridPng,
  gridRaster,
  readPictureSettings,
  writeEach,
  writeGif,
  writeGrid,
  writeStrip,
} from './picture';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'picture-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Images whose every pixel differs: value = its number in the batch, spread over −1 … 1. */
function ramp(shape: ImageBatch['shape']): ImageBatch {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const data = Float32Array.from({ length: size }, (_, i) => (2 * i) / (size - 1) - 1);
  return { data, shape };
}

const bare = { padding: 0, scale: 1 } as const;

describe('gridRaster', () => {
  it('maps −1 … 1 to 0 … 255, clips, and shows NaN as black', () => {
    const data = Float32Array.of(-1, 0, 1, -7, 7, NaN, 0.5, -0.5);
    const raster = gridRaster({ data, shape: [1, 1, 2, 4] }, bare);
    expect([...raster.data]).toEqual([0, 128, 255, 0, 255, 0, 191, 64]);
  });

  it('interleaves the channels', () => {
    const raster = gridRaster(ramp([1, 3, 1, 2]), bare);
    expect([...raster.data]).toEqual([0, 102, 204, 51, 153, 255]);
  });

  it('puts images left to right, with padding around and ground in the empty place', () => {
    const data = Float32Array.of(-1, 1, -1);
    const raster = gridRaster({ data, shape: [3, 1, 1, 1] }, { padding: 1, scale: 1 });
    const g = 64;
    expect([raster.width, raster.height]).toEqual([5, 5]);
    expect([...raster.data]).toEqual(
      [
        [g, g, g, g, g],
        [g, 0, g, 255, g],
        [g, g, g, g, g],
        [g, 0, g, g, g],
        [g, g, g, g, g],
      ].flat(),
    );
  });

  it('repeats pixels by the scale', () => {
    const data = Float32Array.of(-1, 1);
    const raster = gridRaster({ data, shape: [1, 1, 1, 2] }, { scale: 2 });
    expect([...raster.data]).toEqual([0, 0, 255, 255, 0, 0, 255, 255]);
  });

  it.each<[ImageBatch['shape'], number, number]>([
    [[64, 1, 16, 16], 8 * 16 * 4 + 18, 8 * 16 * 4 + 18],
    [[1, 1, 28, 28], 28 * 19, 28 * 19],
    [[10, 3, 64, 64], 4 * 128 + 10, 3 * 128 + 8],
    [[4, 1, 300, 300], 606, 606],
    [[256, 1, 16, 16], 16 * 16 * 4 + 34, 16 * 16 * 4 + 34],
    [[8, 1, 32, 8], 6 * 8 * 11 + 14, 2 * 32 * 11 + 6],
  ])('auto scale makes %j at least 512 wide and near-square', (shape, width, height) => {
    const raster = gridRaster(ramp(shape));
    expect([raster.width, raster.height]).toEqual([width, height]);
    expect(raster.width).toBeGreaterThanOrEqual(512);
  });

  it('auto scale keeps a tall, narrow image below 8,192 lines', () => {
    const raster = gridRaster(ramp([1, 1, 4000, 2]));
    expect([raster.width, raster.height]).toEqual([4, 8000]);
  });

  it.each([{ scale: 0 }, { scale: 1.5 }, { columns: 0 }, { columns: NaN }, { padding: -1 }])(
    'refuses %j',
    (options) => {
      expect(() => gridRaster(ramp([1, 1, 2, 2]), options)).toThrow(UserError);
    },
  );

  it('refuses shapes that are no images', () => {
    expect(() => gridRaster(ramp([1, 2, 2, 2]))).toThrow(RangeError);
    expect(() => gridRaster({ data: new Float32Array(3), shape: [1, 1, 2, 2] })).toThrow(
      RangeError,
    );
    expect(() => gridRaster({ data: new Float32Array(0), shape: [0, 1, 2, 2] })).toThrow(
      RangeError,
    );
  });
});

describe('PNG', () => {
  it.each([1, 3] as const)('holds the very pixels, %i channels', async (channels) => {
    const batch = ramp([4, channels, 5, 6]);
    const raster = gridRaster(batch, { scale: 1 });
    const decoded = sharp(await gridPng(batch, { scale: 1, settings: { seed: 1 } }));
    const { data, info } = await decoded
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([
      raster.width,
      raster.height,
      channels,
    ]);
    expect([...data]).toEqual([...raster.data]);
  });

  it('is the same bytes for the same input, and has no date in it', async () => {
    const raster = gridRaster(ramp([9, 3, 8, 8]));
    const settings = { seed: 7 };
    const first = await encodePng(raster, settings);
    expect((await encodePng(raster, settings)).equals(first)).toBe(true);
    expect((await encodePng(raster, { seed: 8 })).equals(first)).toBe(false);
    expect(first.includes('tIME')).toBe(false);
  });

  it('gives back the settings embedded in it', async () => {
    const file = path.join(folder, 'settings.png');
    const settings = {
      seed: 2 ** 53 - 1,
      note: 'ᾱ & <"quotes"> ]]> \\ \n &amp; é 🎲',
      eta: 0.5,
      list: [1, null],
    };
    await writeGrid(file, ramp([4, 1, 4, 4]), { settings });
    expect(await readPictureSettings(file)).toEqual(settings);
  });

  it('gives back large settings', async () => {
    const file = path.join(folder, 'large.png');
    const settings = { samples: Array.from({ length: 20_000 }, (_, seed) => ({ seed })) };
    await writeGrid(file, ramp([1, 1, 4, 4]), { settings });
    expect(await readPictureSettings(file)).toEqual(settings);
  });
});

describe('readPictureSettings', () => {
  it('says what is wrong with a file that holds none', async () => {
    const plain = path.join(folder, 'plain.png');
    await writeGrid(plain, ramp([1, 1, 4, 4]));
    await expect(readPictureSettings(plain)).rejects.toThrow(/plain\.png holds no settings/);
    const text = path.join(folder, 'text.png');
    await writeFile(text, 'no picture');
    await expect(readPictureSettings(text)).rejects.toThrow(/text\.png is not a picture/);
    const missing = readPictureSettings(path.join(folder, 'missing.png'));
    await expect(missing).rejects.toThrow(UserError);
  });
});

describe('writing', () => {
  it('writes a strip in one row', async () => {
    const file = path.join(folder, 'strip.png');
    await writeStrip(file, ramp([5, 1, 4, 4]), { scale: 3 });
    const { width, height } = await sharp(file).metadata();
    expect([width, height]).toEqual([5 * 12 + 12, 12 + 4]);
  });

  it('writes each image in its own size', async () => {
    const each = path.join(folder, 'each');
    await mkdir(each);
    const files = await writeEach(each, ramp([3, 3, 4, 6]), { first: 9, settings: { seed: 1 } });
    expect(files.map((file) => path.basename(file))).toEqual(['0009.png', '0010.png', '0011.png']);
    const last = await sharp(files[2]).raw().toBuffer();
    expect([...last]).toEqual([
      ...gridRaster(ramp([3, 3, 4, 6]), { ...bare, columns: 1 }).data.slice(-72),
    ]);
    expect(await readPictureSettings(files[0]!)).toEqual({ seed: 1 });
  });

  it.each([1, 3] as const)('writes an animation, %i channels', async (channels) => {
    const file = path.join(folder, `frames-${channels}.gif`);
    const shades = [-1, -0.2, -0.2, 1];
    const frames = shades.map((shade): ImageBatch => {
      const data = new Float32Array(4 * channels * 6).fill(shade);
      return { data, shape: [4, channels, 2, 3] };
    });
    const options = { scale: 2, delayMs: 120, lastDelayMs: 900 };
    await writeGif(file, frames, options);
    const animation = sharp(file, { animated: true });
    const { pages, delay, loop, pageHeight } = await animation.metadata();
    expect([pages, delay, loop]).toEqual([4, [120, 120, 120, 900], 0]);
    const bytes = await animation.removeAlpha().toColourspace('srgb').raw().toBuffer();
    const size = bytes.length / 4;
    frames.forEach((frame, i) => {
      const raster = gridRaster(frame, options);
      expect(pageHeight).toBe(raster.height);
      const grey = Array.from(raster.data).filter((_, at) => at % channels === 0);
      const page = [...bytes.subarray(i * size, (i + 1) * size)].filter((_, at) => at % 3 === 0);
      expect(page).toEqual(grey);
    });
    const first = await readFile(file);
    await writeGif(file, frames, options);
    expect((await readFile(file)).equals(first)).toBe(true);
  });

  it('scales an animation less than a picture', async () => {
    const file = path.join(folder, 'small.gif');
    await writeGif(file, [ramp([16, 1, 8, 8]), ramp([16, 1, 8, 8])]);
    expect((await sharp(file).metadata()).width).toBe(4 * 8 * 8 + 10);
  });

  it('refuses frames of different sizes, and none', async () => {
    const file = path.join(folder, 'wrong.gif');
    await expect(writeGif(file, [])).rejects.toThrow(RangeError);
    const frames = [ramp([1, 1, 2, 2]), ramp([1, 1, 2, 3])];
    await expect(writeGif(file, frames, { scale: 1 })).rejects.toThrow(RangeError);
  });

  it('says why it cannot write, and leaves nothing', async () => {
    const batch = ramp([1, 1, 2, 2]);
    const nowhere = path.join(folder, 'nowhere', 'grid.png');
    await expect(writeGrid(nowhere, batch)).rejects.toThrow(UserError);
    await expect(writeGrid(nowhere, batch)).rejects.toThrow(/Cannot write the picture .*nowhere/);
    const inFile = path.join(folder, 'file');
    await writeFile(inFile, '');
    await expect(writeGif(path.join(inFile, 'a.gif'), [batch])).rejects.toThrow(UserError);
    const taken = path.join(folder, 'taken.png');
    await mkdir(taken);
    await expect(writeGrid(taken, batch)).rejects.toThrow(UserError);
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
  });
});
