import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { UserError } from '../base/errors';
import type { CacheSummary, CacheWriter } from './cache';
import { findOrBuildCache, makeCacheFolder } from './cache-store';
import { hashFolder, hashText } from './content-hash';
import { ImageDecoder, MAX_FILE_BYTES, type DecodeOptions, type Decoded } from './decode';
import { asUserError, fileErrorReason, stopIfAborted } from './file-errors';
import { scanFolder, type FolderScan, type FoundFile } from './folder-scan';
import { orderedParallel } from './parallel';
import type { Hooks, ImageSource, ResizeMode, SkippedFile } from './source';

/** Names the decoding rules: raised whenever an image would come out differently. */
const FOLDER_VERSION = 1;
/** Images decoded at once. */
const PARALLEL = 8;
/** Headers looked at to choose size and channels. */
const SURVEYED = 256;
const DEFAULT_SIZE = 32;
const LARGEST_NATIVE_SIZE = 64;
const SMALLEST_NATIVE_SIZE = 8;

export interface FileSetOptions extends Hooks {
  readonly imageSize?: number;
  readonly channels?: 1 | 3;
  readonly resize: ResizeMode;
  readonly cacheFolder: string;
}

/** Opens a folder of images, decoding those that are not in the cache. Throws UserError. */
export async function openFolder(folder: string, options: FileSetOptions): Promise<ImageSource> {
  const scan = await scanNonEmpty(folder, options);
  await makeCacheFolder(options.cacheFolder);
  const native =
    options.imageSize && options.channels ? null : await survey(folder, scan.files, options.signal);
  const decode: DecodeOptions = {
    imageSize: options.imageSize ?? native!.imageSize,
    channels: options.channels ?? native!.channels,
    resize: options.resize,
  };
  const manifest = path.join(options.cacheFolder, `${hashText(path.resolve(folder))}.files.json`);
  const hashes = await hashFolder(folder, scan.files, manifest, options);
  const fingerprint = hashText(
    JSON.stringify([FOLDER_VERSION, decode, scan.files.map((file, i) => [file.path, hashes[i]])]),
  );
  const { imageSize, channels } = decode;
  const place = { folder: options.cacheFolder, fingerprint, imageSize, channels };
  const { file, header } = await findOrBuildCache(place, options, (writer) =>
    decodeInto(writer, folder, scan, decode, options),
  );
  return {
    spec: folder,
    description: describe(folder, header.count, header.classNames),
    count: header.count,
    imageSize,
    channels,
    classNames: header.classNames,
    fingerprint,
    skipped: header.skipped,
    origin: { kind: 'cache', file },
  };
}

/** "1,234 images in ./sprites (3 classes)". */
export function describe(
  place: string,
  count: number,
  classNames: readonly string[] | null,
): string {
  const images = `${count.toLocaleString('en-US')} image${count === 1 ? '' : 's'} in ${place}`;
  const classes = classNames?.length;
  return classes ? `${images} (${classes} class${classes === 1 ? '' : 'es'})` : images;
}

async function scanNonEmpty(folder: string, hooks: Hooks): Promise<FolderScan> {
  const wayOut = "give a folder of images, 'digits', or 'idx:' and an IDX file or its folder";
  let scan: FolderScan;
  try {
    if (!statSync(folder).isDirectory()) {
      throw new UserError(`The data set ${folder} is a file, not a folder; ${wayOut}.`);
    }
    scan = await scanFolder(folder, hooks);
  } catch (error) {
    throw asUserError(error, `Cannot open the data set folder ${folder}`, wayOut);
  }
  if (scan.files.length > 0 || scan.skipped.length > 0) return scan;
  const content = scan.others === 0 ? 'is empty' : `holds no images among ${scan.others} files`;
  throw new UserError(
    `The data set folder ${folder} ${content}; put PNG, JPEG, WebP, AVIF, TIFF or GIF files into it.`,
  );
}

/** Chooses size and channels from some images' headers, spread over the set. */
async function survey(
  folder: string,
  files: readonly FoundFile[],
  signal: AbortSignal | undefined,
): Promise<{ imageSize: number; channels: 1 | 3 }> {
  const stride = Math.max(1, Math.floor(files.length / SURVEYED));
  const chosen = files.filter((file, i) => i % stride === 0 && file.size <= MAX_FILE_BYTES);
  const sides = new Set<number>();
  let grey = true;
  const headers = orderedParallel(chosen, PARALLEL, (file) =>
    sharp(path.join(folder, file.path))
      .metadata()
      .catch(() => null),
  );
  for await (const header of headers) {
    stopIfAborted(signal);
    if (!header || header.format === 'svg') continue;
    sides.add(header.width).add(header.height);
    grey &&= header.channels <= 2;
  }
  const [side] = sides;
  const alike = sides.size === 1 && side! >= SMALLEST_NATIVE_SIZE && side! <= LARGEST_NATIVE_SIZE;
  return { imageSize: alike ? side! : DEFAULT_SIZE, channels: grey && sides.size > 0 ? 1 : 3 };
}

async function decodeInto(
  writer: CacheWriter,
  folder: string,
  scan: FolderScan,
  options: DecodeOptions,
  hooks: Hooks,
): Promise<CacheSummary> {
  const decoder = new ImageDecoder(options);
  const skipped: SkippedFile[] = [...scan.skipped];
  const kept: string[] = [];
  let done = 0;
  const results = orderedParallel(scan.files, PARALLEL, async (file) => ({
    file,
    decoded: await decodeOne(decoder, folder, file),
  }));
  for await (const { file, decoded } of results) {
    if ('pixels' in decoded) {
      writer.append(decoded.pixels);
      kept.push(file.path);
    } else {
      skipped.push({ path: file.path, reason: decoded.reason });
    }
    if (++done % 64 === 0 || done === scan.files.length) {
      hooks.onProgress?.({ done, total: scan.files.length, what: 'decoding images' });
    }
    stopIfAborted(hooks.signal);
  }
  if (kept.length === 0) throw noneReadable(folder, skipped);
  return { ...classesOf(kept), skipped };
}

async function decodeOne(decoder: ImageDecoder, folder: string, file: FoundFile): Promise<Decoded> {
  if (file.size > MAX_FILE_BYTES) return { reason: 'it is larger than 256 MB' };
  let bytes: Buffer;
  try {
    bytes = readFileSync(path.join(folder, file.path));
  } catch (error) {
    return { reason: fileErrorReason(error) };
  }
  return decoder.decodeFile(bytes);
}

function noneReadable(folder: string, skipped: readonly SkippedFile[]): UserError {
  const [first] = skipped;
  const rest = skipped.length > 1 ? `, and so on for ${skipped.length} in all` : '';
  return new UserError(
    `No image in the data set folder ${folder} can be read (${first!.path}: ${first!.reason}${rest}); ` +
      'give a folder with images that open.',
  );
}

/** First-level folders are the classes when every image lies in one and there are several. */
function classesOf(paths: readonly string[]): Pick<CacheSummary, 'classNames' | 'labels'> {
  const labels = new Int32Array(paths.length);
  const folders = paths.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : ''));
  const classNames = [...new Set(folders)].sort();
  if (classNames.length < 2 || classNames.includes('')) return { classNames: null, labels };
  const ids = new Map(classNames.map((name, id) => [name, id]));
  folders.forEach((name, i) => (labels[i] = ids.get(name)!));
  return { classNames, labels };
}
