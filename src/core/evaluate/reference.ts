import { setImmediate } from 'node:timers/promises';
import { throwIfStopped, UserError } from '../base/errors';
import { plural } from '../base/number-text';
import { readInPieces, type LabelledImages } from '../data/images';
import { openReader } from '../data/reader';
import type { ImageSource } from '../data/source';
import { splitOf } from '../data/split';

/** A tenth of them still has a spread to be measured. */
export const FEWEST_IMAGES = 100;
/** Share of a data set that is held out where the run held out none, or too few. */
const HELD_OUT_SHARE = 0.1;
/** Fewest held-out images that are measured on. */
const FEWEST_HELD_OUT = 10;
/** Most images that each is measured with: what more would change is less than the errors. */
const MOST_REFERENCE = 10_000;
const MOST_HELD_OUT = 2_000;
/** Bytes that the pixels of both take at most: there are fewer of large images. */
const MOST_BYTES = 2 ** 28;
/** As many as {@link FEWEST_IMAGES} has to leave, however large they are. */
const FEWEST_REFERENCE = FEWEST_IMAGES - FEWEST_HELD_OUT;

/** The images of a data set that an evaluation needs. */
export interface Reference {
  readonly train: LabelledImages;
  readonly heldOut: LabelledImages;
}

/** How a data set is split for an evaluation. */
export interface ReferenceSplit {
  /** Share that is held out. */
  readonly share: number;
  readonly sawHeldOut: boolean;
}

/**
 * @param wayOut what to do about too few images
 * @throws UserError if the data set is too small to tell how like it others are
 */
export function checkReference({ count, spec }: ImageSource, wayOut: string): void {
  if (count >= FEWEST_IMAGES) return;
  throw new UserError(
    `${spec} has ${plural(count, 'image')}, too few to tell how like them others are; ${wayOut}.`,
  );
}

/**
 * The held-out images are those of the run, if they are enough and surely new to the model.
 *
 * @param holdOut the share that the run held out of this very data set; null where that is not known, or where weights
 * that it began from may have seen them
 */
export function referenceSplit(source: ImageSource, holdOut: number | null): ReferenceSplit {
  // Of the built-in digits no training reaches those that are held out.
  const isEndless = source.origin.kind === 'digits';
  const own = holdOut === 0 && isEndless ? HELD_OUT_SHARE : (holdOut ?? 0);
  const isOwn = own > 0 && splitOf(source, own).heldOut.length >= FEWEST_HELD_OUT;
  return { share: isOwn ? own : HELD_OUT_SHARE, sawHeldOut: !isOwn };
}

/** Images of each kind that {@link readReference} reads. */
export function referenceCounts(source: ImageSource, share: number) {
  const { train, heldOut } = splitOf(source, share);
  const bytes = 4 * source.channels * source.imageSize ** 2 * (MOST_REFERENCE + MOST_HELD_OUT);
  const fitting = Math.min(1, MOST_BYTES / bytes);
  const most = (wished: number, fewest: number) => Math.max(fewest, Math.floor(wished * fitting));
  return {
    train: Math.min(train.length, most(MOST_REFERENCE, FEWEST_REFERENCE)),
    heldOut: Math.min(heldOut.length, most(MOST_HELD_OUT, FEWEST_HELD_OUT)),
  };
}

/**
 * Yields the share that is read, 0 … 1; between two of these others have their turn.
 *
 * @throws StoppedError when the signal is aborted; UserError if the images are no longer there
 */
export async function* readReference(
  source: ImageSource,
  share: number,
  signal?: AbortSignal,
): AsyncGenerator<number, Reference, undefined> {
  const split = splitOf(source, share);
  const counts = referenceCounts(source, share);
  const all = counts.train + counts.heldOut;
  const reader = openReader(source);
  async function* read(kind: keyof Reference, before: number) {
    const reading = readInPieces(reader, split[kind].subarray(0, counts[kind]));
    for (;;) {
      throwIfStopped(signal);
      const { value, done } = reading.next();
      if (done) return value;
      yield (before + value) / all;
      await setImmediate();
    }
  }
  try {
    const train = yield* read('train', 0);
    return { train, heldOut: yield* read('heldOut', train.count) };
  } finally {
    reader.close();
  }
}
