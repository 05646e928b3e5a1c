import { throwIfStopped } from '../base/errors';
import { toNumbers } from './float-formats';
import { DTYPE_BYTES, SafetensorsFile } from './safetensors';

/** What a tensor's numbers are like. Everything but `nans` and `infinities` is of the finite ones alone. */
export interface TensorStatistics {
  readonly count: number;
  readonly nans: number;
  readonly infinities: number;
  readonly zeros: number;
  /** Null where no number is finite, as the next three. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** The square root of the mean square distance from the mean. */
  readonly deviation: number | null;
  /** How many numbers fall into each of equal parts of min … max; empty where there are none. */
  readonly histogram: Float64Array;
}

/** Parts of a histogram. */
export const HISTOGRAM_PARTS = 64;
const CHUNK_ELEMENTS = 1024 * 1024;

/** A tensor's numbers, row-major, in pieces of at most a million: what is in memory at once. */
export async function* numbersOf(
  file: Pick<SafetensorsFile, 'info' | 'readRange'>,
  name: string,
  signal?: AbortSignal,
): AsyncGenerator<Float64Array> {
  const { dtype, byteLength } = file.info(name);
  const step = CHUNK_ELEMENTS * DTYPE_BYTES[dtype];
  for (let begin = 0; begin < byteLength; begin += step) {
    throwIfStopped(signal);
    const bytes = await file.readRange(name, begin, Math.min(begin + step, byteLength));
    yield toNumbers(dtype, bytes);
  }
}

/**
 * Reads a tensor twice, piece by piece: for its range and mean, then for what is counted by them.
 *
 * @throws UserError if the file or the tensor cannot be read
 * @throws StoppedError when `signal` is aborted
 */
export async function tensorStatistics(
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<TensorStatistics> {
  const file = await SafetensorsFile.open(path);
  try {
    const range = await rangeOf(numbersOf(file, name, signal));
    if (range.finite === 0) {
      const { count, nans, infinities, zeros } = range;
      const none = { min: null, max: null, mean: null, deviation: null };
      return { count, nans, infinities, zeros, ...none, histogram: new Float64Array(0) };
    }
    return await spreadOf(numbersOf(file, name, signal), range);
  } finally {
    await file.close();
  }
}

interface Range {
  count: number;
  finite: number;
  nans: number;
  infinities: number;
  zeros: number;
  min: number;
  max: number;
  sum: number;
}

async function rangeOf(pieces: AsyncIterable<Float64Array>): Promise<Range> {
  const counts = { count: 0, finite: 0, nans: 0, infinities: 0, zeros: 0 };
  const range: Range = { ...counts, min: Infinity, max: -Infinity, sum: 0 };
  for await (const piece of pieces) addTo(range, piece);
  return range;
}

/** The local variables keep a loop of millions in registers. */
function addTo(range: Range, piece: Float64Array): void {
  let { finite, nans, zeros, min, max, sum } = range;
  for (let i = 0; i < piece.length; i++) {
    const value = piece[i]!;
    if (value - value === 0) {
      finite++;
      sum += value;
      if (value === 0) zeros++;
      if (value < min) min = value;
      if (value > max) max = value;
    } else if (Number.isNaN(value)) nans++;
  }
  const count = range.count + piece.length;
  const infinities = count - finite - nans;
  Object.assign(range, { count, finite, nans, infinities, zeros, min, max, sum } satisfies Range);
}

async function spreadOf(
  pieces: AsyncIterable<Float64Array>,
  { count, finite, nans, infinities, zeros, min, max, sum }: Range,
): Promise<TensorStatistics> {
  const mean = sum / finite;
  const histogram = new Float64Array(min === max ? 1 : HISTOGRAM_PARTS);
  let squares = 0;
  for await (const piece of pieces) squares += sort(piece, histogram, mean, min, max);
  const deviation = Math.sqrt(squares / finite);
  return { count, nans, infinities, zeros, min, max, mean, deviation, histogram };
}

/** Counts the finite numbers into their parts; returns the sum of their squared distances from the mean. */
function sort(
  piece: Float64Array,
  histogram: Float64Array,
  mean: number,
  min: number,
  max: number,
): number {
  const last = histogram.length - 1;
  const scale = last === 0 ? 0 : Math.min(histogram.length / (max - min), Number.MAX_VALUE);
  let squares = 0;
  for (let i = 0; i < piece.length; i++) {
    const value = piece[i]!;
    if (value - value !== 0) continue;
    squares += (value - mean) ** 2;
    histogram[Math.min(last, Math.floor((value - min) * scale))]!++;
  }
  return squares;
}
