/** How an image that is not square is made so. */
export type ResizeMode =
  /** Scaled to cover the square, its middle kept. */
  | 'cover'
  /** Scaled to fit in, with black bars. */
  | 'contain'
  /** Each side scaled on its own. */
  | 'stretch';

/** A file that was left out of a data set, and why, in words for people. */
export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

/** Where a reader gets the images from. */
export type ImageOrigin =
  /** Drawn when asked for. */
  | { readonly kind: 'digits' }
  /** Decoded before, into this file. */
  | { readonly kind: 'cache'; readonly file: string };

/** What a data set is: plain JSON, so that it can be handed to a worker thread. */
export interface ImageSource {
  /** As the user gave it: `digits`, a folder, or `idx:` and a folder or an images file. */
  readonly spec: string;
  /** One line for people: "1,234 images in ./sprites (3 classes)". */
  readonly description: string;
  /** Images an epoch, at least 1. */
  readonly count: number;
  /** Side of the square images, in pixels. */
  readonly imageSize: number;
  readonly channels: 1 | 3;
  /** Name of each label; null when the images have none. */
  readonly classNames: readonly string[] | null;
  /** SHA-256, in hex, of the images' content and of how they are decoded. */
  readonly fingerprint: string;
  readonly skipped: readonly SkippedFile[];
  /** For `openReader` alone. */
  readonly origin: ImageOrigin;
}

/** How far a long preparation has come: `done` of `total` things; `what` names it for people. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly what: string;
}

/** What a long preparation reports to, and what may stop it (with a `StoppedError`). */
export interface Hooks {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}
