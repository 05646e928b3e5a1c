import { integers, normals, permutation, Stream, uniforms } from '../base/random';
import type { ImageReader } from './reader';
import type { ImageSource } from './source';
import { splitOf } from './split';

/** What one training step needs besides the weights. */
export interface TrainingBatch {
  /** Which batch of the run this is, from 0. */
  readonly index: number;
  /** Which pass over the data set its first image belongs to, from 0. */
  readonly epoch: number;
  /** x0, [N, C, H, W] in [-1, 1]. */
  readonly images: Float32Array;
  /** eps ~ N(0, 1), [N, C, H, W]. */
  readonly noise: Float32Array;
  /** [N], 0 … T-1. */
  readonly timesteps: Int32Array;
  /** Class ids, [N]; null when the data set has no classes. */
  readonly labels: Int32Array | null;
}

/** What, besides the data set, determines every batch. */
export interface BatchRecipe {
  /** N, at least 1; may exceed the data set, which then repeats within a batch. */
  readonly batchSize: number;
  /** T: timesteps are drawn from 0 … T-1. */
  readonly timesteps: number;
  readonly seed: number;
  /** Mirrors each image left to right with probability ½. */
  readonly horizontalFlip: boolean;
  /**
   * Gives each image, with this probability, the null class (the one after the last) instead of its
   * own, as classifier-free guidance needs (Ho & Salimans, 2022, Algorithm 1). Default 0.
   */
  readonly classDropout?: number;
  /**
   * Adds to eps, in each channel of each image, a draw of N(0, 1) times this: the same at all pixels, so
   * that a model learns to change an image's mean (Guttenberg, 2023). Default 0.
   */
  readonly noiseOffset?: number;
  /** Share of the images, 0 ≤ x < 1, that are in no batch: the held-out ones of `splitOf`. Default 0. */
  readonly holdOut?: number;
}

/** The arrays of a batch that is done with, to be filled again. */
export type BatchBuffers = Pick<TrainingBatch, 'images' | 'noise' | 'timesteps' | 'labels'>;

/** Byte 0 … 255 as a value in [-1, 1]. */
const SIGNED = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

/**
 * The order of the images that are learnt from: one permutation after the other, an epoch each. Of an
 * endless set, each epoch takes images that were not seen before.
 */
class ImageOrder {
  private epoch = -1;
  private order: Uint32Array = new Uint32Array();
  /** Images an epoch. */
  readonly count: number;
  private readonly isEndless: boolean;
  /** The images to choose from; null for all. */
  private readonly chosen: Uint32Array | null;

  constructor(
    private readonly seed: number,
    source: ImageSource,
    holdOut: number,
  ) {
    this.chosen = holdOut > 0 ? splitOf(source, holdOut).train : null;
    this.count = this.chosen?.length ?? source.count;
    this.isEndless = source.origin.kind === 'digits';
  }

  /** The image at `position`, counted from the start of the run. */
  at(position: number): number {
    const epoch = Math.floor(position / this.count);
    if (epoch !== this.epoch) {
      const key = { seed: this.seed, stream: Stream.order, index: epoch };
      this.order = permutation(key, this.count);
      this.epoch = epoch;
    }
    const place = this.order[position - epoch * this.count]!;
    const image = this.chosen?.[place] ?? place;
    return this.isEndless ? image + epoch * this.count : image;
  }
}

/**
 * Makes the batches of a run. Batch `index` is a function of the data set, the recipe and `index`
 * alone, so any can be made at once: N images from position index·N of the order, eps, timesteps
 * and flips each from their own stream.
 */
export class BatchMaker {
  private readonly order: ImageOrder;
  private readonly bytes: Uint8Array;
  private readonly indices: Uint32Array;
  private readonly labels: Int32Array;

  constructor(
    private readonly reader: ImageReader,
    private readonly recipe: BatchRecipe,
  ) {
    const { imageSize, channels } = reader.source;
    const { batchSize, seed, holdOut = 0 } = recipe;
    this.order = new ImageOrder(seed, reader.source, holdOut);
    this.bytes = new Uint8Array(batchSize * channels * imageSize * imageSize);
    this.indices = new Uint32Array(batchSize);
    this.labels = new Int32Array(batchSize);
  }

  /** Makes batch `index`, in `reuse` if given. */
  make(index: number, reuse: BatchBuffers | null = null): TrainingBatch {
    const { batchSize, timesteps: bound, seed } = this.recipe;
    const { images, noise, timesteps, labels } = reuse ?? this.allocate();
    const start = index * batchSize;
    for (let i = 0; i < batchSize; i++) this.indices[i] = this.order.at(start + i);
    this.reader.read(this.indices, this.bytes, this.labels);
    for (let i = 0; i < images.length; i++) images[i] = SIGNED[this.bytes[i]!]!;
    if (this.recipe.horizontalFlip) this.flip(index, images);
    normals({ seed, stream: Stream.noise, index }, noise);
    this.offset(index, noise);
    integers({ seed, stream: Stream.timesteps, index }, bound, timesteps);
    if (labels) this.label(index, labels);
    const epoch = Math.floor(start / this.order.count);
    return { index, epoch, images, noise, timesteps, labels };
  }

  private offset(index: number, noise: Float32Array): void {
    const { noiseOffset = 0, batchSize, seed } = this.recipe;
    if (noiseOffset === 0) return;
    const { channels, imageSize } = this.reader.source;
    const key = { seed, stream: Stream.noiseOffset, index };
    const draws = normals(key, new Float32Array(batchSize * channels));
    const plane = imageSize * imageSize;
    for (let i = 0; i < noise.length; i++) {
      noise[i]! += noiseOffset * draws[Math.floor(i / plane)]!;
    }
  }

  private label(index: number, labels: Int32Array): void {
    const { classDropout = 0, batchSize, seed } = this.recipe;
    labels.set(this.labels);
    if (classDropout === 0) return;
    const nullClass = this.reader.source.classNames!.length;
    const draws = uniforms({ seed, stream: Stream.labels, index }, new Float32Array(batchSize));
    draws.forEach((draw, i) => {
      if (draw < classDropout) labels[i] = nullClass;
    });
  }

  private allocate(): BatchBuffers {
    const { batchSize } = this.recipe;
    return {
      images: new Float32Array(this.bytes.length),
      noise: new Float32Array(this.bytes.length),
      timesteps: new Int32Array(batchSize),
      labels: this.reader.source.classNames ? new Int32Array(batchSize) : null,
    };
  }

  private flip(index: number, images: Float32Array): void {
    const { batchSize, seed } = this.recipe;
    const { imageSize } = this.reader.source;
    const draws = uniforms({ seed, stream: Stream.flip, index }, new Float32Array(batchSize));
    const imageLength = images.length / batchSize;
    for (let i = 0; i < batchSize; i++) {
      if (draws[i]! >= 0.5) continue;
      const end = (i + 1) * imageLength;
      for (let row = i * imageLength; row < end; row += imageSize) {
        images.subarray(row, row + imageSize).reverse();
      }
    }
  }
}

/** Batch `index` of a run; to make several, keep a {@link BatchMaker}. */
export function makeBatch(reader: ImageReader, recipe: BatchRecipe, index: number): TrainingBatch {
  return new BatchMaker(reader, recipe).make(index);
}
