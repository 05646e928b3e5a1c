import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { UserError } from '../base/errors';
import { withFile } from '../base/files';
import type { ImageBatch } from '../base/picture';
import { ImageDecoder } from './decode';

/** Images larger than this are made smaller unless a size is asked for. */
export const LARGEST_SIDE = 128;

/** How an image is brought in; what is left out is as the image is. */
export interface ImageWishes {
  /** Side in pixels; left out: the image's shorter, at most {@link LARGEST_SIDE}. */
  readonly size?: number;
  readonly channels?: 1 | 3;
}

/** An image as a batch of one, and the size that the file has as it is seen. */
export interface OpenedImage {
  readonly image: ImageBatch;
  readonly source: { readonly width: number; readonly height: number };
}

/** The image alone of {@link openImageFile}. */
export async function readImageFile(file: string, wishes?: ImageWishes): Promise<ImageBatch> {
  return (await openImageFile(file, wishes)).image;
}

/**
 * Reads an image's middle square.
 *
 * @throws UserError if the file cannot be read or is no image
 */
export async function openImageFile(
  file: string,
  { size, channels: wanted }: ImageWishes = {},
): Promise<OpenedImage> {
  const bytes = await withFile('read the image', file, () => readFile(file));
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => null);
  const shorter = header ? Math.min(header.width, header.height) : LARGEST_SIDE;
  const imageSize = size ?? Math.min(shorter, LARGEST_SIDE);
  const channels = wanted ?? (header && header.channels <= 2 ? 1 : 3);
  const decoder = new ImageDecoder({ imageSize, channels, resize: 'cover' });
  const decoded = await decoder.decodeFile(bytes);
  if ('reason' in decoded) {
    throw new UserError(`Cannot use the image ${file}: ${decoded.reason}; give another image.`);
  }
  const data = Float32Array.from(decoded.pixels, (byte) => byte / 127.5 - 1);
  const { width, height } = header?.autoOrient ?? { width: imageSize, height: imageSize };
  return { image: { data, shape: [1, channels, imageSize, imageSize] }, source: { width, height } };
}
