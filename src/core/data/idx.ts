import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors';
import type { CacheSummary, CacheWriter } from './cache';
import { findOrBuildCache, makeCacheFolder } from './cache-store';
import { FileHasher, hashText } from './content-hash';
import type { DecodeOptions } from './decode';
import { asUserError, breathe, stopIfAborted } from './file-errors';
import { describe, type FileSetOptions } from './folder';
import { IdxFile } from './idx-file';
import { GreyResampler } from './resample';
import type { Hooks, ImageSource } from './source';

/** Names the decoding rules: raised whenever an image would come out differently. */
const IDX_VERSION = 1;
/** What MNIST and its kin call their images, the training set first. */
const IMAGE_NAMES = [/^train-images.idx3-ubyte(\.gz)?$/, /^t10k-images.idx3-ubyte(\.gz)?$/];
const ANY_IMAGES = /idx3-ubyte(\.gz)?$/;

/** Opens `idx:` and a folder or an images file; labels lie beside. Throws UserError. */
export async function openIdx(place: string, options: FileSetOptions): Promise<ImageSource> {
  const images = findImages(place);
  const labels = findLabels(images);
  const header = await IdxFile.open(images, 'images');
  await header.close();
  await makeCacheFolder(options.cacheFolder);
  const [, rows, columns] = header.dimensions as [number, number, number];
  const decode: DecodeOptions = {
    imageSize: options.imageSize ?? Math.max(rows, columns),
    channels: options.channels ?? 1,
    resize: options.resize,
  };
  const hasher = new FileHasher();
  const fingerprint = hashText(
    JSON.stringify([
      IDX_VERSION,
      decode,
      await hasher.hash(images, options.signal),
      labels && (await hasher.hash(labels, options.signal)),
    ]),
  );
  const { imageSize, channels } = decode;
  const cachePlace = { folder: options.cacheFolder, fingerprint, imageSize, channels };
  const cached = await findOrBuildCache(cachePlace, options, (writer) =>
    decodeInto(writer, images, labels, decode, options),
  );
  const { count, classNames } = cached.header;
  return {
    spec: `idx:${place}`,
    description: describe(images, count, classNames),
    count,
    imageSize,
    channels,
    classNames,
    fingerprint,
    skipped: [],
    origin: { kind: 'cache', file: cached.file },
  };
}

function findImages(place: string): string {
  let names: string[];
  try {
    const found = statSync(place);
    if (found.isFile()) return place;
    if (!found.isDirectory()) {
      throw new UserError(`${place} is neither a file nor a folder; give an IDX images file.`);
    }
    names = readdirSync(place).sort();
  } catch (error) {
    const wayOut = "give an IDX images file, or the folder it lies in, after 'idx:'";
    throw asUserError(error, `Cannot open the IDX data set ${place}`, wayOut);
  }
  for (const pattern of [...IMAGE_NAMES, ANY_IMAGES]) {
    const name = names.find((candidate) => pattern.test(candidate));
    if (name) return path.join(place, name);
  }
  throw new UserError(
    `The folder ${place} holds no IDX images (train-images-idx3-ubyte, t10k-images-idx3-ubyte, ` +
      "with or without .gz); give the images file itself after 'idx:'.",
  );
}

/** The labels that lie beside an images file, by MNIST's naming; null when there are none. */
function findLabels(images: string): string | null {
  const name = path.basename(images);
  const labels = name.replace('images', 'labels').replace('idx3', 'idx1');
  if (labels === name) return null;
  const plain = labels.replace(/\.gz$/, '');
  const beside = [labels, plain, `${plain}.gz`].map((n) => path.join(path.dirname(images), n));
  return beside.find((file) => existsSync(file)) ?? null;
}

async function decodeInto(
  writer: CacheWriter,
  imagesFile: string,
  labelsFile: string | null,
  options: DecodeOptions,
  hooks: Hooks,
): Promise<CacheSummary> {
  const images = await IdxFile.open(imagesFile, 'images');
  const [count, rows, columns] = images.dimensions as [number, number, number];
  let labels: Int32Array | null;
  try {
    labels = labelsFile === null ? null : await readLabels(labelsFile, count, imagesFile);
  } catch (error) {
    await images.close();
    throw error;
  }
  const resampler = new GreyResampler(rows, columns, options);
  let done = 0;
  for await (const record of images.records()) {
    writer.append(resampler.resample(record));
    if (++done % 512 === 0 || done === count) {
      hooks.onProgress?.({ done, total: count, what: 'decoding images' });
      await breathe();
      stopIfAborted(hooks.signal);
    }
  }
  return {
    classNames: labels && classNamesOf(labels),
    labels: labels ?? new Int32Array(count),
    skipped: [],
  };
}

async function readLabels(file: string, count: number, imagesFile: string): Promise<Int32Array> {
  const content = await IdxFile.open(file, 'labels');
  const [held] = content.dimensions;
  if (held !== count) {
    await content.close();
    throw new UserError(
      `${file} holds ${held} labels, but ${imagesFile} ${count} images; use files that belong together.`,
    );
  }
  const labels = new Int32Array(count);
  let i = 0;
  for await (const record of content.records()) labels[i++] = record[0]!;
  return labels;
}

function classNamesOf(labels: Int32Array): string[] {
  const highest = labels.reduce((high, label) => Math.max(high, label), 0);
  return Array.from({ length: highest + 1 }, (_, label) => String(label));
}
