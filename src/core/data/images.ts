import type { ImageReader } from './reader';

/** Images of a data set. */
export interface LabelledImages {
  /** `[count, C, H, W]` in [−1, 1]. */
  readonly data: Float32Array;
  /** Class of each; zeros where there are no classes. */
  readonly labels: Int32Array;
  readonly count: number;
}

/** Bytes of pixels that are read at once. */
const PIECE = 2 ** 22;

/** Reads the images of some indices. Yields after each piece how many are read. */
export function* readInPieces(
  reader: ImageReader,
  indices: Uint32Array,
): Generator<number, LabelledImages, undefined> {
  const { imageSize, channels } = reader.source;
  const count = indices.length;
  const size = channels * imageSize ** 2;
  const data = new Float32Array(count * size);
  const labels = new Int32Array(count);
  const atOnce = Math.max(1, Math.floor(PIECE / size));
  const bytes = new Uint8Array(Math.min(atOnce, count) * size);
  for (let first = 0; first < count; first += atOnce) {
    const end = Math.min(first + atOnce, count);
    reader.read(indices.subarray(first, end), bytes, labels.subarray(first, end));
    const values = data.subarray(first * size, end * size);
    for (let i = 0; i < values.length; i++) values[i] = bytes[i]! / 127.5 - 1;
    yield end;
  }
  return { data, labels, count };
}

/** As {@link readInPieces}, for images that are few. */
export function readImages(reader: ImageReader, indices: Uint32Array): LabelledImages {
  const reading = readInPieces(reader, indices);
  for (;;) {
    const { value, done } = reading.next();
    if (done) return value;
  }
}
