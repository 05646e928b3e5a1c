import { UserError } from '../base/errors';
import { plural } from '../base/number-text';
import { readImages, type LabelledImages } from '../data/images';
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
  return {
    train: Math.min(train.length, MOST_REFERENCE),
    heldOut: Math.min(heldOut.length, MOST_HELD_OUT),
  };
}

export function readReference(source: ImageSource, share: number): Reference {
  const split = splitOf(source, share);
  const reader = openReader(source);
  try {
    return {
      train: readImages(reader, split.train.subarray(0, MOST_REFERENCE)),
      heldOut: readImages(reader, split.heldOut.subarray(0, MOST_HELD_OUT)),
    };
  } finally {
    reader.close();
  }
}
