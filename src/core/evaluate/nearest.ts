import { throwIfStopped } from '../base/errors';
import { GraphBuilder } from '../graph/builder';
import type { Runtime } from '../runtime/runtime';

/** The nearest image of a set, for each of some others. */
export interface Nearest {
  /** Which image. */
  readonly index: Int32Array;
  /** Root mean square difference of a pixel, 0 … 2 (pixels are in [−1, 1]). */
  readonly distance: Float32Array;
}

/** Rows of either side that are compared at once. */
const ROWS = 256;

/** Rows `first` … of a matrix of `width`, {@link ROWS} of them, the missing ones 0. */
function block(data: Float32Array, width: number, first: number): Float32Array {
  const rows = data.subarray(first * width, (first + ROWS) * width);
  if (rows.length === ROWS * width) return rows;
  const padded = new Float32Array(ROWS * width);
  padded.set(rows);
  return padded;
}

function squaredNorms(data: Float32Array, width: number): Float64Array {
  return Float64Array.from({ length: data.length / width }, (_, i) => {
    let sum = 0;
    for (let j = i * width; j < (i + 1) * width; j++) sum += data[j]! ** 2;
    return sum;
  });
}

function rmsBetween(a: Float32Array, b: Float32Array, i: number, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += (a[i * width + k]! - b[j * width + k]!) ** 2;
  return Math.sqrt(sum / width);
}

/**
 * Finds for each image the nearest of a set by its pixels. Candidates come from |a|² + |b|² − 2ab, the
 * product computed on the device; the distance is computed from the pixels.
 *
 * @param images and `set`, `[count, width]`
 * @throws StoppedError when the signal is aborted
 */
export async function nearestImages(
  runtime: Runtime,
  images: Float32Array,
  set: Float32Array,
  width: number,
  signal?: AbortSignal,
): Promise<Nearest> {
  const g = new GraphBuilder();
  g.result(
    'products',
    g.matmul(g.feed('a', [ROWS, width]), g.feed('b', [ROWS, width]), false, true),
  );
  const executable = await runtime.compile(g.build(), { label: 'The search for neighbours' });
  const count = images.length / width;
  const norms = squaredNorms(set, width);
  const best = new Float64Array(count).fill(Infinity);
  const index = new Int32Array(count);
  try {
    for (let first = 0; first < count; first += ROWS) {
      const a = block(images, width, first);
      for (let from = 0; from < norms.length; from += ROWS) {
        throwIfStopped(signal);
        const { products } = await executable.run({ a, b: block(set, width, from) });
        keepNearest({ products: products!, first, from, norms, best, index });
      }
    }
  } finally {
    await executable.dispose();
  }
  const distance = Float32Array.from(index, (j, i) => rmsBetween(images, set, i, j, width));
  return { index, distance };
}

interface Search {
  readonly products: Float32Array;
  readonly first: number;
  readonly from: number;
  readonly norms: Float64Array;
  readonly best: Float64Array;
  readonly index: Int32Array;
}

/** The images' own norms are the same for all candidates, and so left out. */
function keepNearest({ products, first, from, norms, best, index }: Search): void {
  const rows = Math.min(ROWS, best.length - first);
  const candidates = Math.min(ROWS, norms.length - from);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < candidates; j++) {
      const score = norms[from + j]! - 2 * products[i * ROWS + j]!;
      if (score >= best[first + i]!) continue;
      best[first + i] = score;
      index[first + i] = from + j;
    }
  }
}

/** The value below which a share (0 … 1) of the values lies, interpolated. */
export function quantile(values: Float32Array, share: number): number {
  const sorted = Float32Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
