import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from './errors';
import { withFile } from './files';
import { gridLayout, type ImageBatch, type Raster } from './picture';

/**
 * Takes the images out of a grid that `writeGrid` wrote without options.
 *
 * @param shape [N, C, H, W] of the images in it
 * @returns the N images below each other, as one picture of W × N·H pixels
 * @throws UserError if the file cannot be read, or is no grid of such images
 */
export async function readGridImages(file: string, shape: ImageBatch['shape']): Promise<Raster> {
  const [count, channels, height, width] = shape;
  const bytes = await withFile('read', file, () => readFile(file));
  const grid = await sharp(bytes)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(() => null);
  const layout = gridLayout(shape);
  const fits = grid?.info.width === layout.width && grid.info.height === layout.height;
  if (!grid || !fits || (channels !== 1 && channels !== 3)) {
    throw new UserError(`${file} is not a picture of ${count} images as this run draws them.`);
  }
  const { columns, padding, scale } = layout;
  const data = new Uint8Array(count * height * width * channels);
  const stride = grid.info.channels;
  let to = 0;
  for (let n = 0; n < count; n++) {
    const left = padding + (n % columns) * (width * scale + padding);
    const top = padding + Math.floor(n / columns) * (height * scale + padding);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = ((top + y * scale) * layout.width + left + x * scale) * stride;
        for (let c = 0; c < channels; c++) data[to++] = grid.data[from + c]!;
      }
    }
  }
  return { data, width, height: count * height, channels };
}
