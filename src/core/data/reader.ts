import { UserError } from '../base/errors';
import { CacheDamaged, CacheFile } from './cache';
import { digitLabel, drawDigit } from './digits';
import type { ImageSource } from './source';

/** Gives the images of a data set, in any order. */
export interface ImageReader {
  readonly source: ImageSource;
  /**
   * Writes images `indices` as bytes into `out` [n, C, H, W] and their class ids into `labels` [n]
   * (zeros when there are no classes). Throws a UserError where the images are no longer there.
   */
  read(indices: ArrayLike<number>, out: Uint8Array, labels: Int32Array): void;
  close(): void;
}

/** Opens a data set that `openSource` has prepared, in this or another thread. */
export function openReader(source: ImageSource): ImageReader {
  switch (source.origin.kind) {
    case 'digits':
      return new DigitReader(source);
    case 'cache':
      return new CacheReader(source, source.origin.file);
    default:
      return source.origin satisfies never;
  }
}

class DigitReader implements ImageReader {
  constructor(readonly source: ImageSource) {}

  read(indices: ArrayLike<number>, out: Uint8Array, labels: Int32Array): void {
    const { imageSize, channels } = this.source;
    const bytes = channels * imageSize * imageSize;
    for (let i = 0; i < indices.length; i++) {
      drawDigit(indices[i]!, imageSize, channels, out, i * bytes);
      labels[i] = digitLabel(indices[i]!);
    }
  }

  close(): void {
    // Holds nothing open.
  }
}

class CacheReader implements ImageReader {
  private readonly cache: CacheFile;

  constructor(
    readonly source: ImageSource,
    private readonly file: string,
  ) {
    this.cache = this.guarded(() => CacheFile.open(file, source.fingerprint));
  }

  read(indices: ArrayLike<number>, out: Uint8Array, labels: Int32Array): void {
    this.guarded(() => {
      for (let i = 0; i < indices.length; i++) {
        this.cache.read(indices[i]!, out, i * this.cache.imageBytes);
        labels[i] = this.cache.labels[indices[i]!]!;
      }
    });
  }

  close(): void {
    this.cache.close();
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof CacheDamaged)) throw error;
      throw new UserError(
        `The decoded images of ${this.source.spec} in ${this.file} are missing or damaged; ` +
          'start again, and they are decoded anew.',
      );
    }
  }
}
