import sharp from 'sharp';
import type { ResizeMode } from './source';

export interface DecodeOptions {
  /** Side of the square that images are brought to. */
  readonly imageSize: number;
  /** 1: grey; 3: red, green, blue. */
  readonly channels: 1 | 3;
  readonly resize: ResizeMode;
}

/** An image as bytes [C, H, W], or why it cannot be read. */
export type Decoded = { readonly pixels: Uint8Array } | { readonly reason: string };

/** Files larger than this are not images to learn from; they are left out unread. */
export const MAX_FILE_BYTES = 256 << 20;
/** Images of more pixels than this are left out. */
const MAX_PIXELS = 100_000_000;
/** Images of more pixels than this are decoded one at a time, so that memory stays bounded. */
const MANY_PIXELS = 8_000_000;

const FITS = { cover: 'cover', contain: 'contain', stretch: 'fill' } as const;
const BLACK = { r: 0, g: 0, b: 0 };

/** Whether the bytes start as a PNG, JPEG, GIF, TIFF, WebP or AVIF file does. */
function isImage(bytes: Buffer): boolean {
  const ascii = bytes.toString('latin1', 0, 32);
  return (
    ascii.startsWith('\x89PNG') ||
    ascii.startsWith('\xff\xd8\xff') ||
    ascii.startsWith('GIF8') ||
    /^(II[*+]\0|MM\0[*+])/.test(ascii) ||
    /^RIFF....WEBP/s.test(ascii) ||
    /^....ftyp.*(avif|avis|mif1|miaf)/s.test(ascii)
  );
}

/** [H, W, C] to [C, H, W]. */
function planar(interleaved: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return interleaved;
  const plane = interleaved.length / channels;
  const out = new Uint8Array(interleaved.length);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < plane; i++) out[c * plane + i] = interleaved[i * channels + c]!;
  }
  return out;
}

/** Brings images of any kind to bytes of one size. Several may be decoded at once. */
export class ImageDecoder {
  /** Ends when the large image now being decoded is done. */
  private large: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: DecodeOptions) {
    // Parallel over images, not within one; and no image is decoded twice.
    sharp.concurrency(1);
    sharp.cache(false);
  }

  /**
   * Decodes a file's content: the first frame or page, turned as its EXIF orientation says,
   * transparency over black, 16 bits and CMYK brought to 8-bit sRGB or grey.
   */
  async decodeFile(bytes: Buffer): Promise<Decoded> {
    if (bytes.length === 0) return { reason: 'it is empty' };
    if (!isImage(bytes)) {
      return { reason: 'its content is not a PNG, JPEG, WebP, AVIF, TIFF or GIF image' };
    }
    const first = await this.attempt(bytes, MANY_PIXELS);
    if (first !== 'too large') return first;
    const turn = this.large.then(() => this.attempt(bytes, MAX_PIXELS));
    this.large = turn;
    const second = await turn;
    return second === 'too large' ? { reason: 'it has more than 100 million pixels' } : second;
  }

  private async attempt(bytes: Buffer, pixels: number): Promise<Decoded | 'too large'> {
    const { imageSize, channels, resize } = this.options;
    const image = sharp(bytes, { limitInputPixels: pixels, failOn: 'error' })
      .autoOrient()
      .flatten({ background: BLACK })
      .resize({ width: imageSize, height: imageSize, fit: FITS[resize], background: BLACK })
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' });
    let interleaved: Buffer;
    try {
      interleaved = await image.toBuffer();
    } catch (error) {
      if (error instanceof Error && /pixel limit/i.test(error.message)) return 'too large';
      return { reason: 'it is damaged or cut short' };
    }
    if (interleaved.length === channels * imageSize * imageSize) {
      return { pixels: planar(interleaved, channels) };
    }
    throw new Error(
      `An image was decoded to ${interleaved.length} bytes, not [H, W, ${channels}].`,
    );
  }
}
