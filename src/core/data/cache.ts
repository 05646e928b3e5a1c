import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import {
  asUserError,
  breathe,
  cacheFolderError,
  fileErrorCode,
  stopIfAborted,
} from './file-errors';
import type { Hooks, SkippedFile } from './source';

/*
 * A cache file holds decoded images, little-endian:
 *   8 bytes        START
 *   N·C·H·W bytes  pixels, uint8 [N, C, H, W]
 *   4·N bytes      labels, int32
 *   4·N bytes      CRC-32 of each image
 *   …              CacheHeader as JSON, UTF-8
 *   16 bytes       JSON length, CRC-32 of labels, checksums and JSON, END
 * It is written beside its place and renamed into it once whole, and every byte is checked when it
 * is opened, so that neither a crash nor a bad disk gives wrong images.
 */
const START = Buffer.from('DLIMAGE1');
const END = Buffer.from('DLIMEND1');
const FOOTER_BYTES = 16;
const BLOCK_BYTES = 4 << 20;

/** What a cache file says about its images. */
export interface CacheHeader {
  readonly fingerprint: string;
  readonly count: number;
  readonly imageSize: number;
  readonly channels: 1 | 3;
  readonly classNames: readonly string[] | null;
  readonly skipped: readonly SkippedFile[];
}

/** What is known once all images are written. */
export interface CacheSummary {
  readonly classNames: readonly string[] | null;
  /** One label an image; zeros when there are no classes. */
  readonly labels: Int32Array;
  readonly skipped: readonly SkippedFile[];
}

/** A cache file is missing, cut short or altered. Mended by decoding again. */
export class CacheDamaged extends Error {
  override readonly name = 'CacheDamaged';
}

function imageBytesOf(header: Pick<CacheHeader, 'imageSize' | 'channels'>): number {
  return header.channels * header.imageSize * header.imageSize;
}

function asBytes(array: Int32Array | Uint32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

/** Reads exactly `bytes.length` bytes at `position`, or throws CacheDamaged. */
function readFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const count = readSync(fd, bytes, done, bytes.length - done, position + done);
    if (count === 0) throw new CacheDamaged('The file ends early.');
    done += count;
  }
}

/** An open cache file. */
export class CacheFile {
  readonly imageBytes: number;

  private constructor(
    private readonly fd: number,
    readonly header: CacheHeader,
    readonly labels: Int32Array,
    private readonly checksums: Uint32Array,
  ) {
    this.imageBytes = imageBytesOf(header);
  }

  /** Opens the file and checks all but the pixels. Throws CacheDamaged where it is not whole. */
  static open(file: string, fingerprint: string): CacheFile {
    const fd = openFile(file);
    try {
      const { header, labels, checksums } = readTrailer(fd);
      if (header.fingerprint !== fingerprint) throw new CacheDamaged('It holds other images.');
      return new CacheFile(fd, header, labels, checksums);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Reads image `index` into `out` at `offset`. Throws CacheDamaged where its bytes have changed. */
  read(index: number, out: Uint8Array, offset: number): void {
    const image = out.subarray(offset, offset + this.imageBytes);
    readFully(this.fd, image, START.length + index * this.imageBytes);
    this.check(index, image);
  }

  /** Reads every image once. Throws CacheDamaged at the first that has changed. */
  async verify(hooks: Hooks): Promise<void> {
    const { count } = this.header;
    const many = Math.max(1, Math.floor(BLOCK_BYTES / this.imageBytes));
    const block = new Uint8Array(Math.min(many, count) * this.imageBytes);
    for (let first = 0; first < count; first += many) {
      const images = Math.min(many, count - first);
      const bytes = block.subarray(0, images * this.imageBytes);
      readFully(this.fd, bytes, START.length + first * this.imageBytes);
      for (let i = 0; i < images; i++) {
        this.check(first + i, bytes.subarray(i * this.imageBytes, (i + 1) * this.imageBytes));
      }
      hooks.onProgress?.({ done: first + images, total: count, what: 'checking decoded images' });
      await breathe();
      stopIfAborted(hooks.signal);
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private check(index: number, image: Uint8Array): void {
    if (crc32(image) !== this.checksums[index]) {
      throw new CacheDamaged(`Image ${index} has changed.`);
    }
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    if (fileErrorCode(error) === 'ENOENT') throw new CacheDamaged('It does not exist.');
    throw asUserError(error, `Cannot read the decoded images in ${file}`, 'give access to it');
  }
}

function readTrailer(fd: number) {
  const { size } = fstatSync(fd);
  const footer = Buffer.alloc(FOOTER_BYTES);
  if (size < START.length + FOOTER_BYTES) throw new CacheDamaged('The file ends early.');
  readFully(fd, footer, size - FOOTER_BYTES);
  const jsonBytes = footer.readUInt32LE(0);
  if (!footer.subarray(8).equals(END) || jsonBytes > size) {
    throw new CacheDamaged('The file ends early.');
  }
  const json = Buffer.alloc(jsonBytes);
  readFully(fd, json, Math.max(0, size - FOOTER_BYTES - jsonBytes));
  const header = parseHeader(json);
  if (!(header.count > 0 && header.count <= size)) throw new CacheDamaged('The header is wrong.');
  const pixels = header.count * imageBytesOf(header);
  const labels = new Int32Array(header.count);
  const checksums = new Uint32Array(header.count);
  const expected = START.length + pixels + 8 * header.count + jsonBytes + FOOTER_BYTES;
  if (size !== expected) throw new CacheDamaged('The file has another length.');
  const start = Buffer.alloc(START.length);
  readFully(fd, start, 0);
  readFully(fd, asBytes(labels), START.length + pixels);
  readFully(fd, asBytes(checksums), START.length + pixels + 4 * header.count);
  const sum = crc32(json, crc32(asBytes(checksums), crc32(asBytes(labels))));
  if (!start.equals(START) || sum !== footer.readUInt32LE(4)) {
    throw new CacheDamaged('The file has changed.');
  }
  return { header, labels, checksums };
}

function parseHeader(json: Buffer): CacheHeader {
  try {
    return JSON.parse(json.toString('utf8')) as CacheHeader;
  } catch {
    throw new CacheDamaged('The header is not whole.');
  }
}

/** Writes a cache file beside its place. */
export class CacheWriter {
  private readonly fd: number;
  private readonly checksums: number[] = [];
  private position = START.length;
  private closed = false;

  /** Writes into `partial`, which must not exist, and moves it to `file` on `finish`. */
  constructor(
    private readonly file: string,
    private readonly partial: string,
    private readonly shape: Pick<CacheHeader, 'fingerprint' | 'imageSize' | 'channels'>,
  ) {
    this.fd = this.guarded(() => openSync(this.partial, 'wx'));
  }

  /** Appends one image, uint8 [C, H, W]. */
  append(image: Uint8Array): void {
    if (image.length !== imageBytesOf(this.shape)) {
      throw new RangeError(`An image of ${image.length} bytes does not fit the cache.`);
    }
    this.write(image);
    this.checksums.push(crc32(image));
  }

  /** Completes the file and moves it into its place. */
  finish(summary: CacheSummary): CacheHeader {
    const { classNames, skipped, labels } = summary;
    const header = { ...this.shape, count: this.checksums.length, classNames, skipped };
    const json = Buffer.from(JSON.stringify(header));
    const checksums = asBytes(Uint32Array.from(this.checksums));
    const footer = Buffer.alloc(FOOTER_BYTES);
    footer.writeUInt32LE(json.length, 0);
    footer.writeUInt32LE(crc32(json, crc32(checksums, crc32(asBytes(labels)))), 4);
    END.copy(footer, 8);
    for (const part of [asBytes(labels), checksums, json, footer]) this.write(part);
    this.position = 0;
    this.write(START);
    this.close();
    this.guarded(() => renameSync(this.partial, this.file));
    return header;
  }

  /** Removes what was written. Safe after a failed `finish`. */
  abandon(): void {
    this.close();
    rmSync(this.partial, { force: true });
  }

  private close(): void {
    if (this.closed) return;
    this.closed = true;
    closeSync(this.fd);
  }

  private write(bytes: Uint8Array): void {
    this.guarded(() => {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(this.fd, bytes, done, bytes.length - done, this.position + done);
      }
    });
    this.position += bytes.length;
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw cacheFolderError(error, this.file);
    }
  }
}
