import { permutation, Stream } from '../base/random';
import type { ImageSource } from './source';

/** What a split needs to know of a data set. */
type Divisible = Pick<ImageSource, 'count' | 'origin'>;

/** Which images are learnt from, and which are only measured on. */
export interface Split {
  readonly train: Uint32Array;
  readonly heldOut: Uint32Array;
}

/** The built-in digits never end: those from here on are not reached by any training. */
const FAR_DIGITS = 1_000_000_000;

/**
 * Parts a data set, each part in random order. The same images are held out whenever the data set and the
 * share are the same; at least one image is on either side.
 *
 * @param share of the images to hold out, 0 < share < 1
 */
export function splitOf(source: Divisible, share: number): Split {
  const { count } = source;
  const held = Math.min(count - 1, Math.max(1, Math.round(count * share)));
  if (source.origin.kind === 'digits') {
    const from = (start: number, length: number) =>
      Uint32Array.from({ length }, (_, i) => start + i);
    return { train: from(0, count), heldOut: from(FAR_DIGITS, held) };
  }
  const order = permutation({ seed: 0, stream: Stream.heldOut, index: 0 }, count);
  return { train: order.slice(held), heldOut: order.slice(0, held) };
}

/**
 * How many images a pass over the data set has: all but the held-out ones. Of the built-in digits, which never
 * end, none is taken away.
 *
 * @param share of the images to hold out, 0 ≤ share < 1
 */
export function trainingCount(source: Divisible, share: number): number {
  return share === 0 ? source.count : splitOf(source, share).train.length;
}
