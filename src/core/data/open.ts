import path from 'node:path';
import { UserError } from '../base/errors';
import { hashText } from './content-hash';
import { DIGIT_CLASSES, DIGIT_COUNT, DIGIT_VERSION } from './digits';
import { openFolder } from './folder';
import { openIdx } from './idx';
import type { Hooks, ImageSource, ResizeMode } from './source';

export interface OpenOptions extends Hooks {
  /** Side in pixels. Default: digits 16; else the images' own if they are alike, or 32. */
  readonly imageSize?: number;
  /** Default: digits 1; else 1 if the images are grey, or 3. */
  readonly channels?: 1 | 3;
  /** Default `cover`. */
  readonly resize?: ResizeMode;
  /** Where decoded images are kept; made when needed. */
  readonly cacheFolder: string;
}

const DIGIT_SIZE = 16;
const SMALLEST_DIGITS = 8;
const LARGEST_SIZE = 1024;
const RESIZE_MODES: readonly string[] = ['cover', 'contain', 'stretch'] satisfies ResizeMode[];

/**
 * Opens a data set: `digits` (built in), a folder of images, or `idx:` and an IDX images file or
 * its folder. Files are decoded once, into the cache folder. Throws a UserError where the data set
 * or an option is no good, a StoppedError when the signal is aborted.
 */
export async function openSource(spec: string, options: OpenOptions): Promise<ImageSource> {
  checkOptions(options);
  const { resize = 'cover' } = options;
  if (spec === 'digits') return openDigits(options);
  if (spec.startsWith('idx:')) {
    const place = spec.slice('idx:'.length);
    if (place !== '') return openIdx(place, { ...options, resize });
  }
  if (spec === '' || spec === 'idx:') {
    throw new UserError(
      `The data set '${spec}' names no place; give 'digits', a folder of images, or 'idx:' and ` +
        'an IDX file or its folder.',
    );
  }
  return openFolder(spec, { ...options, resize });
}

/** A data set's name that means the same from everywhere; `from` is what a relative place is in. */
export function absoluteSpec(spec: string, from = process.cwd()): string {
  const [, prefix = '', place] = /^(idx:)?(.*)$/s.exec(spec)!;
  if (spec === 'digits' || place === '' || path.isAbsolute(place!)) return spec;
  return prefix + path.resolve(from, place!);
}

function checkOptions({ imageSize, channels, resize }: OpenOptions): void {
  if (imageSize !== undefined) checkSize(imageSize, 1);
  if (channels !== undefined && ![1, 3].includes(channels)) {
    throw new UserError(`Images cannot have ${channels} channels; choose 1 (grey) or 3 (colour).`);
  }
  if (resize !== undefined && !RESIZE_MODES.includes(resize)) {
    throw new UserError(`Unknown resize mode '${resize}'; choose ${RESIZE_MODES.join(', ')}.`);
  }
}

function checkSize(imageSize: number, smallest: number): void {
  if (Number.isInteger(imageSize) && imageSize >= smallest && imageSize <= LARGEST_SIZE) return;
  throw new UserError(
    `The image size ${imageSize} is out of range; choose a whole number from ${smallest} to ` +
      `${LARGEST_SIZE}.`,
  );
}

function openDigits(options: OpenOptions): ImageSource {
  const { imageSize = DIGIT_SIZE, channels = 1 } = options;
  checkSize(imageSize, SMALLEST_DIGITS);
  return {
    spec: 'digits',
    description: `built-in digits, ${DIGIT_COUNT.toLocaleString('en-US')} an epoch`,
    count: DIGIT_COUNT,
    imageSize,
    channels,
    classNames: DIGIT_CLASSES,
    fingerprint: hashText(
      JSON.stringify(['digits', DIGIT_VERSION, DIGIT_COUNT, imageSize, channels]),
    ),
    skipped: [],
    origin: { kind: 'digits' },
  };
}
