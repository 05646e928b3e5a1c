import type { DecodeOptions } from './decode';
import type { ResizeMode } from './source';

/** Lobes of the kernel on each side. */
const LOBES = 3;

/** For one output pixel: the first input pixel that counts, and the weights from there on. */
interface Tap {
  readonly first: number;
  readonly weights: Float64Array;
}

/** Lanczos kernel with three lobes: sinc(x)·sinc(x/3) for |x| < 3. */
function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return (LOBES * Math.sin(angle) * Math.sin(angle / LOBES)) / (angle * angle);
}

/**
 * Weights that bring `span` pixels, centred in an axis of `length`, to `size` pixels. The kernel is
 * widened when shrinking, so that nothing aliases. What lies outside the axis is black where the
 * span reaches beyond it (bars), else left out of the average.
 */
function tapsOf(length: number, span: number, size: number): Tap[] {
  const scale = span / size;
  const stretch = Math.max(1, scale);
  const start = (length - span) / 2;
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * scale - 0.5;
    const low = Math.ceil(centre - LOBES * stretch);
    const high = Math.floor(centre + LOBES * stretch);
    const first = Math.max(0, low);
    const weights = new Float64Array(Math.max(0, Math.min(length - 1, high) - first + 1));
    let total = 0;
    for (let at = low; at <= high; at++) {
      const weight = lanczos((at - centre) / stretch);
      const inside = at >= 0 && at < length;
      if (inside) weights[at - first] = weight;
      if (inside || span > length) total += weight;
    }
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

function spanOf(resize: ResizeMode, length: number, other: number): number {
  switch (resize) {
    case 'cover':
      return Math.min(length, other);
    case 'contain':
      return Math.max(length, other);
    case 'stretch':
      return length;
    default:
      return resize satisfies never;
  }
}

/**
 * Brings many grey images of one size to squares, by a separable Lanczos filter: for images of a
 * few hundred pixels this is far quicker than a call of the image library for each.
 */
export class GreyResampler {
  private readonly across: readonly Tap[];
  private readonly down: readonly Tap[];
  private readonly half: Float64Array;

  constructor(
    private readonly rows: number,
    private readonly columns: number,
    private readonly options: DecodeOptions,
  ) {
    const { imageSize, resize } = options;
    this.across = tapsOf(columns, spanOf(resize, columns, rows), imageSize);
    this.down = tapsOf(rows, spanOf(resize, rows, columns), imageSize);
    this.half = new Float64Array(rows * imageSize);
  }

  /** An image, bytes [rows, columns], as bytes [C, H, W]; with three channels, all the same. */
  resample(image: Uint8Array): Uint8Array {
    const { imageSize, channels } = this.options;
    const out = new Uint8ClampedArray(channels * imageSize * imageSize);
    if (this.rows === imageSize && this.columns === imageSize) out.set(image);
    else this.filter(image, out);
    const plane = imageSize * imageSize;
    for (let channel = 1; channel < channels; channel++) out.copyWithin(channel * plane, 0, plane);
    return new Uint8Array(out.buffer);
  }

  private filter(image: Uint8Array, out: Uint8ClampedArray): void {
    const { imageSize } = this.options;
    const { half, columns } = this;
    for (let y = 0; y < this.rows; y++) {
      for (let x = 0; x < imageSize; x++) {
        const { first, weights } = this.across[x]!;
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += weights[k]! * image[y * columns + first + k]!;
        half[y * imageSize + x] = sum;
      }
    }
    for (let y = 0; y < imageSize; y++) {
      const { first, weights } = this.down[y]!;
      for (let x = 0; x < imageSize; x++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++)
          sum += weights[k]! * half[(first + k) * imageSize + x]!;
        out[y * imageSize + x] = sum;
      }
    }
  }
}
