import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { UserError } from './errors';
import { withFile, writeFileAtomic } from './files';
import { settingsFromXmp, settingsToXmp } from './picture-settings';
import { toByte } from './pixels';

/** Images [N, C, H, W] in [−1, 1], C = 1 (grey) or 3 (RGB); what lies outside is clipped. */
export interface ImageBatch {
  readonly data: Float32Array;
  readonly shape: readonly [count: number, channels: number, height: number, width: number];
}

/** One picture of 8-bit pixels, rows from the top, channels interleaved. */
export interface Raster {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

export interface GridOptions {
  /** Images in a row; left out: near-square. */
  readonly columns?: number;
  /** Pixels of background around and between the images; default 2, and 0 for one image. */
  readonly padding?: number;
  /**
   * Whole factor by which each pixel is repeated; `auto` (default) makes a PNG at least some 512
   * pixels wide and each image in it 64, an animation half of that, so that small images can be seen.
   */
  readonly scale?: number | 'auto';
}

export interface PngOptions extends GridOptions {
  /** Embedded in the file, as JSON; {@link readPictureSettings} gives it back. */
  readonly settings?: unknown;
}

export interface GifOptions extends GridOptions {
  /** How long a frame stands, in milliseconds; default 80. */
  readonly delayMs?: number;
  /** How long the last frame stands, in milliseconds; default 1500. */
  readonly lastDelayMs?: number;
  /** How often it plays; 0 (default) for ever. */
  readonly loop?: number;
}

const BACKGROUND = 64;
/** What `auto` scales up to: the width of the picture, and of each image in it. */
interface LeastWidth {
  readonly picture: number;
  readonly image: number;
}

const PNG_WIDTH: LeastWidth = { picture: 512, image: 64 };
/** Less: frames of noise hardly compress. */
const GIF_WIDTH: LeastWidth = { picture: 256, image: 32 };
/** `auto` keeps narrow, tall pictures below this height; GIF and WebP viewers stop near it. */
const AUTO_HEIGHT = 8192;

/**
 * Lays images out in rows on a grey ground.
 * @throws UserError for columns, padding or a scale out of range.
 * @throws RangeError when the shape does not fit the data.
 */
export function gridRaster(
  batch: ImageBatch,
  options: GridOptions = {},
  leastWidth = PNG_WIDTH,
): Raster {
  const [count, channels, height, width] = batch.shape;
  if (channels !== 1 && channels !== 3) {
    throw new RangeError(`A picture has 1 or 3 channels, not ${String(channels)}.`);
  }
  if (batch.data.length !== count * channels * height * width || batch.data.length === 0) {
    throw new RangeError(
      `${batch.data.length} numbers are not images [${batch.shape.join(', ')}].`,
    );
  }
  checkOptions(options);
  const layout = gridLayout(batch.shape, options, leastWidth);
  const { columns, padding, scale, width: fullWidth, height: fullHeight } = layout;
  const data = new Uint8Array(fullWidth * fullHeight * channels).fill(BACKGROUND);
  const raster: Raster = { data, width: fullWidth, height: fullHeight, channels };
  for (let n = 0; n < count; n++) {
    const left = padding + (n % columns) * (width * scale + padding);
    const top = padding + Math.floor(n / columns) * (height * scale + padding);
    drawImage(raster, batch, n, left, top, scale);
  }
  return raster;
}

/** Where the images of a grid are. */
export interface GridLayout {
  readonly columns: number;
  readonly padding: number;
  readonly scale: number;
  /** Of the whole picture, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** How {@link gridRaster} lays images out. */
export function gridLayout(
  shape: ImageBatch['shape'],
  options: GridOptions = {},
  leastWidth = PNG_WIDTH,
): GridLayout {
  const [count, , height, width] = shape;
  const columns = Math.min(options.columns ?? nearSquare(shape), count);
  const rows = Math.ceil(count / columns);
  const padding = options.padding ?? (count === 1 ? 0 : 2);
  const scale =
    typeof options.scale === 'number'
      ? options.scale
      : autoScale(leastWidth, columns, rows, padding, shape);
  return {
    columns,
    padding,
    scale,
    width: columns * width * scale + (columns + 1) * padding,
    height: rows * height * scale + (rows + 1) * padding,
  };
}

/** Columns that make the grid's picture about as wide as it is high. */
function nearSquare([count, , height, width]: ImageBatch['shape']): number {
  return Math.max(1, Math.ceil(Math.sqrt((count * height) / width) - 1e-9));
}

function checkOptions({ columns = 1, padding = 0, scale = 'auto' }: GridOptions): void {
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!whole(columns, 1)) {
    throw new UserError(`The picture's columns are ${columns}: give a whole number from 1.`);
  }
  if (!whole(padding, 0)) {
    throw new UserError(`The picture's padding is ${padding}: give a whole number from 0.`);
  }
  if (scale !== 'auto' && !whole(scale, 1)) {
    throw new UserError(`The picture's scale is ${scale}: give a whole number from 1, or 'auto'.`);
  }
}

/** The least scale that makes the picture wide enough to be seen. */
function autoScale(
  least: LeastWidth,
  columns: number,
  rows: number,
  padding: number,
  [, , height, width]: ImageBatch['shape'],
): number {
  const room = least.picture - (columns + 1) * padding;
  const wanted = Math.ceil(Math.max(room / columns, least.image) / width);
  const most = Math.floor((AUTO_HEIGHT - (rows + 1) * padding) / (rows * height));
  return Math.max(1, Math.min(wanted, most));
}

/** Draws image n of the batch, each pixel as a square of `scale` × `scale`. */
function drawImage(
  { data, width: stride, channels }: Raster,
  batch: ImageBatch,
  n: number,
  left: number,
  top: number,
  scale: number,
): void {
  const [, , height, width] = batch.shape;
  const plane = height * width;
  const from = n * channels * plane;
  for (let y = 0; y < height * scale; y++) {
    const sourceRow = from + Math.floor(y / scale) * width;
    let to = ((top + y) * stride + left) * channels;
    for (let x = 0; x < width * scale; x++) {
      const source = sourceRow + Math.floor(x / scale);
      for (let c = 0; c < channels; c++) data[to++] = toByte(batch.data[source + c * plane]!);
    }
  }
}

/** A picture as PNG. The same pixels and settings give the same bytes. */
export async function encodePng(raster: Raster, settings?: unknown): Promise<Buffer> {
  const image = fromRaster(raster);
  const described = settings === undefined ? image : image.withXmp(settingsToXmp(settings));
  return described.png({ compressionLevel: 9, adaptiveFiltering: false }).toBuffer();
}

/**
 * Frames of one size as an animated GIF of at most 256 colours a frame, undithered.
 * The same frames give the same bytes.
 */
export async function encodeGif(
  frames: readonly Raster[],
  { delayMs = 80, lastDelayMs = 1500, loop = 0 }: GifOptions = {},
): Promise<Buffer> {
  const first = frames[0];
  if (!first) throw new RangeError('An animation needs at least one frame.');
  const { width, height, channels } = first;
  if (frames.some((f) => f.width !== width || f.height !== height || f.channels !== channels)) {
    throw new RangeError('The frames of an animation must have one size.');
  }
  const data = Buffer.concat(frames.map((frame) => frame.data));
  const raw = { width, height: height * frames.length, channels, pageHeight: height };
  const delay = frames.map((_, i) => (i < frames.length - 1 ? delayMs : lastDelayMs));
  return sharp(data, { raw, limitInputPixels: false })
    .gif({ delay, loop, dither: 0, keepDuplicateFrames: true })
    .toBuffer();
}

function fromRaster({ data, width, height, channels }: Raster) {
  const image = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return channels === 1 ? image.toColourspace('b-w') : image;
}

/** The grid of all images as PNG bytes. */
export async function gridPng(batch: ImageBatch, options: PngOptions = {}): Promise<Buffer> {
  return encodePng(gridRaster(batch, options), options.settings);
}

/**
 * Writes the grid of all images as a PNG, whole or not at all.
 * @throws UserError when the file cannot be written.
 */
export async function writeGrid(
  file: string,
  batch: ImageBatch,
  options: PngOptions = {},
): Promise<void> {
  await writeFileAtomic(file, await gridPng(batch, options), 'write the picture');
}

/** Writes all images in one row, as a PNG: the stages of one image, say. */
export async function writeStrip(
  file: string,
  batch: ImageBatch,
  options: Omit<PngOptions, 'columns'> = {},
): Promise<void> {
  await writeGrid(file, batch, { ...options, columns: batch.shape[0] });
}

/**
 * Writes each image as a PNG of its own size into a folder that is there:
 * `0000.png`, `0001.png`, … counted from `first`.
 * @returns the paths, in order.
 */
export async function writeEach(
  folder: string,
  batch: ImageBatch,
  { first = 0, scale = 1, settings }: { first?: number; scale?: number; settings?: unknown } = {},
): Promise<string[]> {
  const files: string[] = [];
  for (let n = 0; n < batch.shape[0]; n++) {
    const file = path.join(folder, `${String(first + n).padStart(4, '0')}.png`);
    await writeGrid(file, imageOf(batch, n), { scale, settings });
    files.push(file);
  }
  return files;
}

/** Image n as a batch of one, a view. */
export function imageOf({ data, shape }: ImageBatch, n: number): ImageBatch {
  const [, channels, height, width] = shape;
  const size = channels * height * width;
  return { data: data.subarray(n * size, (n + 1) * size), shape: [1, channels, height, width] };
}

/**
 * Writes an animated GIF whose frames are grids, one a batch, whole or not at all.
 * @throws UserError when the file cannot be written.
 */
export async function writeGif(
  file: string,
  frames: readonly ImageBatch[],
  options: GifOptions = {},
): Promise<void> {
  const rasters = frames.map((frame) => gridRaster(frame, options, GIF_WIDTH));
  await writeFileAtomic(file, await encodeGif(rasters, options), 'write the animation');
}

/**
 * The settings that a picture was written with.
 * @throws UserError when the file cannot be read, is no picture or holds none.
 */
export async function readPictureSettings(file: string): Promise<unknown> {
  const bytes = await withFile('read', file, () => readFile(file));
  const metadata = await sharp(bytes)
    .metadata()
    .catch(() => {
      throw new UserError(`${file} is not a picture: give a PNG that diffusion-lab wrote.`);
    });
  const settings = settingsFromXmp(metadata.xmpAsString ?? '');
  if (settings === undefined) {
    throw new UserError(`${file} holds no settings: give a PNG as diffusion-lab wrote it.`);
  }
  return settings;
}
