import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { UserError } from '../base/errors';
import { asUserError } from './file-errors';

/*
 * IDX: two zero bytes, the type of the values, the number of dimensions, the dimensions as
 * big-endian 32-bit integers, the values (http://yann.lecun.com/exdb/mnist). May be gzipped.
 */
const UNSIGNED_BYTE = 0x08;
const TYPE_NAMES: Readonly<Record<number, string>> = {
  0x09: '8-bit signed integers',
  0x0b: '16-bit integers',
  0x0c: '32-bit integers',
  0x0d: '32-bit floats',
  0x0e: '64-bit floats',
};
const MAX_SIDE = 4096;

/** Takes a stream of chunks apart in pieces of any length. */
class ByteTaker {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, or what is left of them. */
  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = length; ;) {
      const part = this.rest.subarray(0, missing);
      this.rest = this.rest.subarray(part.length);
      missing -= part.length;
      if (missing === 0 && parts.length === 0) return part;
      parts.push(part);
      if (missing === 0) return Buffer.concat(parts);
      const next = await this.chunks.next();
      if (next.done) return Buffer.concat(parts);
      this.rest = next.value;
    }
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }
}

/** An IDX file of unsigned bytes, read from start to end. Every fault is a UserError. */
export class IdxFile {
  private constructor(
    private readonly file: string,
    private readonly bytes: ByteTaker,
    /** Sizes of the dimensions, the first being the number of records. */
    readonly dimensions: readonly number[],
  ) {}

  /** Opens a file that must hold records of 2 dimensions (images) or none (labels). */
  static async open(file: string, holds: 'images' | 'labels'): Promise<IdxFile> {
    const bytes = new ByteTaker(streamOf(file));
    try {
      const rank = holds === 'images' ? 3 : 1;
      checkMagic(file, await guarded(file, () => bytes.take(4)), holds, rank);
      const sizes = await guarded(file, () => bytes.take(4 * rank));
      if (sizes.length < 4 * rank) throw cutShort(file, 'within its header');
      const dimensions = Array.from({ length: rank }, (_, i) => sizes.readUInt32BE(4 * i));
      checkDimensions(file, dimensions);
      return new IdxFile(file, bytes, dimensions);
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  /** Every record in order, as bytes. Checks at the end that nothing follows. */
  async *records(): AsyncGenerator<Buffer> {
    const [count, ...sides] = this.dimensions;
    const length = sides.reduce((product, side) => product * side, 1);
    try {
      for (let i = 0; i < count!; i++) {
        const record = await guarded(this.file, () => this.bytes.take(length));
        if (record.length < length) throw cutShort(this.file, `after ${i} of ${count} records`);
        yield record;
      }
      const surplus = await guarded(this.file, () => this.bytes.take(1));
      if (surplus.length > 0) {
        throw new UserError(
          `The IDX file ${this.file} is longer than the ${count} records that its header ` +
            'announces; get an undamaged copy.',
        );
      }
    } finally {
      await this.bytes.close();
    }
  }

  async close(): Promise<void> {
    await this.bytes.close();
  }
}

function streamOf(file: string): AsyncIterable<Buffer> {
  const magic = Buffer.alloc(2);
  try {
    const fd = openSync(file, 'r');
    readSync(fd, magic);
    closeSync(fd);
  } catch (error) {
    throw asUserError(error, `Cannot read the IDX file ${file}`, 'give a file that opens');
  }
  const content = createReadStream(file, { highWaterMark: 1 << 18 });
  if (magic.readUInt16BE() !== 0x1f8b) return content;
  const unzipped = createGunzip({ chunkSize: 1 << 18 });
  content.on('error', (error) => unzipped.destroy(error));
  unzipped.on('close', () => content.destroy());
  return content.pipe(unzipped);
}

async function guarded<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'Z_BUF_ERROR') throw cutShort(file, 'within its gzip data');
    if (String(error.code).startsWith('Z_')) {
      throw new UserError(`The gzip data of ${file} is damaged; get an undamaged copy.`);
    }
    throw asUserError(error, `Cannot read the IDX file ${file}`, 'give a file that opens');
  }
}

function cutShort(file: string, where: string): UserError {
  return new UserError(`The IDX file ${file} ends ${where}; get an undamaged copy.`);
}

function checkMagic(file: string, magic: Buffer, holds: string, rank: number): void {
  if (magic.length < 4 || magic[0] !== 0 || magic[1] !== 0) {
    const bytes = magic.length === 0 ? 'nothing' : magic.toString('hex').replace(/..\B/g, '$& ');
    throw new UserError(
      `${file} is not an IDX file: it starts with ${bytes} where IDX ${holds} start with ` +
        `00 00 08 0${rank}; give an IDX file of ${holds}.`,
    );
  }
  const [, , type, dimensions] = magic;
  if (type !== UNSIGNED_BYTE) {
    const name = TYPE_NAMES[type!] ?? `values of unknown type 0x${type!.toString(16)}`;
    throw new UserError(
      `The IDX file ${file} holds ${name}, but ${holds} must be unsigned bytes (type 0x08); ` +
        'convert it.',
    );
  }
  if (dimensions !== rank) {
    const instead = dimensions === 1 ? 'labels' : `values of ${dimensions} dimensions`;
    throw new UserError(
      `The IDX file ${file} holds ${instead} where ${holds} are needed (${rank} ` +
        `dimension${rank === 1 ? '' : 's'}); give the file of ${holds}.`,
    );
  }
}

function checkDimensions(file: string, [count, ...sides]: readonly number[]): void {
  if (count === 0) throw new UserError(`The IDX file ${file} holds no records; give another one.`);
  if (sides.some((side) => side < 1 || side > MAX_SIDE)) {
    throw new UserError(
      `The IDX file ${file} announces images of ${sides.join('×')} pixels; sides from 1 to ` +
        `${MAX_SIDE} can be read.`,
    );
  }
}
