import { UserError } from '../base/errors';
import type { Embedder } from './embed';
import type { Likeness } from './evaluation';
import { divided, rmsOf, rowsOf, type Features } from './features';
import { frechetEstimate, gaussianOf, type Gaussian } from './frechet';
import { kernelDistance } from './kernel-distance';
import { precisionRecall } from './precision-recall';
import type { Reference } from './reference';

/** Most images of either kind that are compared pair by pair. */
const MOST_PAIRED = 2_000;
/** Images whose features are computed between two yields. */
const PIECE = 500;

/** A data set's training images in a feature space, as others are compared with them. */
export interface Compared {
  readonly features: Features;
  readonly gaussian: Gaussian;
}

/** How like the training images other images are, from their features. */
export function likenessOf(images: Features, train: Compared): Likeness {
  const paired = (features: Features, most: number) =>
    rowsOf(features, 0, Math.min(features.count, most));
  const count = Math.min(MOST_PAIRED, images.count, train.features.count);
  return {
    frechet: frechetEstimate(images, train.gaussian),
    kernel: kernelDistance(paired(images, MOST_PAIRED), paired(train.features, MOST_PAIRED)),
    ...precisionRecall(paired(images, count), paired(train.features, count)),
  };
}

/** What samples come to. */
export interface ComparedSamples {
  readonly samples: Likeness;
  /** Of as many samples as there are held-out images; null where there are no fewer of these, or it was not asked. */
  readonly asMany: Likeness | null;
  /** Of held-out images, as many as samples or all that there are. */
  readonly real: Likeness & { readonly count: number };
  /** The class that the classifier gives each sample. */
  readonly predicted: Int32Array;
}

/**
 * Compares samples with a data set's training images. Features are in units of these images' root mean square, so
 * that figures do not hang on their scale.
 */
export class LikenessMeter {
  private real: (Likeness & { readonly count: number }) | null = null;

  private constructor(
    private readonly embedder: Embedder,
    private readonly unit: number,
    private readonly train: Compared,
    private readonly heldOut: Features,
  ) {}

  /**
   * Yields the share of the images whose features are known, 0 … 1.
   *
   * @throws StoppedError when the signal is aborted
   */
  static async *open(
    embedder: Embedder,
    { train, heldOut }: Reference,
    signal?: AbortSignal,
  ): AsyncGenerator<number, LikenessMeter, undefined> {
    const all = train.count + heldOut.count;
    const raw = yield* embedded(embedder, train.data, train.count, all, signal);
    const unit = rmsOf(raw);
    const features = divided(raw, unit);
    const { features: ofHeldOut } = await embedder.embed(heldOut.data, signal);
    const compared = { features, gaussian: gaussianOf(features) };
    return new LikenessMeter(embedder, unit, compared, divided(ofHeldOut, unit));
  }

  /**
   * @param images `[count, C, H, W]` in [−1, 1]
   * @param withAsMany whether {@link ComparedSamples.asMany} is asked for
   * @throws UserError if the samples have no features; StoppedError when the signal is aborted
   */
  async compare(
    images: Float32Array,
    withAsMany: boolean,
    signal?: AbortSignal,
  ): Promise<ComparedSamples> {
    const { features, predicted } = await this.embedder.embed(images, signal);
    const samples = divided(features, this.unit);
    if (!samples.data.every(Number.isFinite)) {
      throw new UserError(
        'Samples, or their features, are not finite numbers, so there is nothing to compare; train with a lower learning rate (--lr).',
      );
    }
    const real = this.realOf(Math.min(this.heldOut.count, samples.count));
    const isAsked = withAsMany && real.count < samples.count;
    return {
      samples: likenessOf(samples, this.train),
      asMany: isAsked ? likenessOf(rowsOf(samples, 0, real.count), this.train) : null,
      real,
      predicted,
    };
  }

  private realOf(count: number) {
    if (this.real?.count !== count) {
      this.real = { count, ...likenessOf(rowsOf(this.heldOut, 0, count), this.train) };
    }
    return this.real;
  }
}

/** Features of images, a piece at a time. */
async function* embedded(
  embedder: Embedder,
  images: Float32Array,
  count: number,
  all: number,
  signal?: AbortSignal,
): AsyncGenerator<number, Features, undefined> {
  const size = images.length / count;
  const pieces: Features[] = [];
  for (let first = 0; first < count; first += PIECE) {
    const piece = images.subarray(first * size, Math.min(first + PIECE, count) * size);
    pieces.push((await embedder.embed(piece, signal)).features);
    yield Math.min(first + PIECE, count) / all;
  }
  const { width } = pieces[0]!;
  const data = new Float32Array(count * width);
  pieces.forEach((piece, i) => data.set(piece.data, i * PIECE * width));
  return { data, count, width };
}
