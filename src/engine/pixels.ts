import type { ImageBatch } from '../core/base/picture';
import { toByte } from '../core/base/pixels';
import type { PixelBatch } from './protocol';

/** Images in [−1, 1], planar, as interleaved bytes. */
export function pixelsOf({ data, shape }: ImageBatch): PixelBatch {
  const [count, channels, height, width] = shape;
  const plane = height * width;
  const bytes = new Uint8Array(data.length);
  for (let n = 0, to = 0; n < count; n++) {
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < channels; c++)
        bytes[to++] = toByte(data[(n * channels + c) * plane + i]!);
    }
  }
  return { data: bytes, count, height, width, channels };
}

/** The images of {@link pixelsOf}; back as bytes, they are the same. */
export function imagesOf({ data, count, height, width, channels }: PixelBatch): ImageBatch {
  const plane = height * width;
  const values = new Float32Array(data.length);
  for (let n = 0, from = 0; n < count; n++) {
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < channels; c++) {
        values[(n * channels + c) * plane + i] = data[from++]! / 127.5 - 1;
      }
    }
  }
  return { data: values, shape: [count, channels, height, width] };
}
