import type { ImageReader } from './reader';

/** Images of a data set. */
export interface LabelledImages {
  /** `[count, C, H, W]` in [−1, 1]. */
  readonly data: Float32Array;
  /** Class of each; zeros where there are no classes. */
  readonly labels: Int32Array;
  readonly count: number;
}

/** Reads the images of some indices. */
export function readImages(reader: ImageReader, indices: ArrayLike<number>): LabelledImages {
  const { imageSize, channels } = reader.source;
  const count = indices.length;
  const bytes = new Uint8Array(count * channels * imageSize ** 2);
  const labels = new Int32Array(count);
  reader.read(indices, bytes, labels);
  return { data: Float32Array.from(bytes, (byte) => byte / 127.5 - 1), labels, count };
}
