import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../base/errors';
import { asUserError, oneLine, withFile } from '../base/files';
import { isRecord, show } from '../base/schema';
import { toFloat32 } from './float-formats';

/**
 * The safetensors format: an 8-byte little-endian length, a JSON header of that length that maps
 * tensor names to dtype, shape and byte range, and the tensors' bytes without gaps.
 * https://github.com/huggingface/safetensors
 */

/** Bytes an element, by the format's names of element types. */
export const DTYPE_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;
export type TensorDtype = keyof typeof DTYPE_BYTES;

/** The headers of the format's own library are at most this long. */
const MAX_HEADER_BYTES = 100_000_000;
const CHUNK_BYTES = 64 * 1024 * 1024;

/** A tensor in a file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  /** Position of its first byte in the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A tensor to be written; `data` is row-major and read only when its turn comes. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A safetensors file whose header was read and checked; tensors are read when asked for. */
export class SafetensorsFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** The texts under `__metadata__`. */
    readonly metadata: Readonly<Record<string, string>>,
    /** All tensors, in the header's order. */
    readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {}

  /**
   * Reads and checks the header. Close the file after use.
   *
   * @throws UserError that names the file, the tensor and the fault
   */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await withFile('read', path, () => open(path, 'r'));
    try {
      const { metadata, tensors } = await readHeader(handle, path);
      return new SafetensorsFile(path, handle, metadata, tensors);
    } catch (error) {
      await handle.close();
      throw asUserError(error, 'read', path);
    }
  }

  /** The header's entry of a tensor. */
  info(name: string): TensorInfo {
    const info = this.tensors.get(name);
    if (info === undefined) throw new UserError(`${this.path} has no tensor ${name}.`);
    return info;
  }

  /** A tensor's bytes, as they are in the file (little-endian, row-major). */
  async readBytes(name: string): Promise<Uint8Array> {
    return this.readRange(name, 0, this.info(name).byteLength);
  }

  /** Bytes `begin` to `end` of a tensor. */
  async readRange(name: string, begin: number, end: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(end - begin);
    await readFully(this.handle, bytes, this.info(name).offset + begin, this.path);
    return bytes;
  }

  /**
   * A tensor as float32, converted from F64, F16 or BF16 where needed.
   *
   * @throws UserError for other element types
   */
  async readFloat32(name: string): Promise<Float32Array> {
    const { dtype } = this.info(name);
    const convert = toFloat32(dtype);
    if (convert === null) {
      throw new UserError(
        `${this.path}: tensor ${name} holds ${dtype}; weights must be F32, F16, BF16 or F64, so ` +
          'convert the file first.',
      );
    }
    return convert(await this.readBytes(name));
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** What helps with a file whose bytes are not what they were. */
const WAY_OUT = 'use another copy or checkpoint';

async function readHeader(
  handle: FileHandle,
  path: string,
): Promise<{ metadata: Record<string, string>; tensors: Map<string, TensorInfo> }> {
  const stat = await handle.stat();
  if (stat.isDirectory()) throw new UserError(`${path} is a folder, not a safetensors file.`);
  const start = new Uint8Array(8);
  if (stat.size < 8) {
    throw new UserError(
      `${path} has ${stat.size} bytes, too few for a safetensors file; ${WAY_OUT}.`,
    );
  }
  await readFully(handle, start, 0, path);
  const announced = new DataView(start.buffer).getBigUint64(0, true);
  const length = Number(announced);
  if (length > MAX_HEADER_BYTES || length > stat.size - 8) {
    throw new UserError(
      `${path} is cut short or not a safetensors file: it announces a header of ${announced} bytes, ` +
        `and has ${stat.size} in all; ${WAY_OUT}.`,
    );
  }
  const bytes = new Uint8Array(length);
  await readFully(handle, bytes, 8, path);
  const header = parseHeader(bytes, path);
  const tensors = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(header)) {
    if (name !== '__metadata__') tensors.set(name, tensorInfo(name, entry, 8 + length, path));
  }
  checkCoverage(tensors, 8 + length, stat.size, path);
  return { metadata: metadataOf(header, path), tensors };
}

function parseHeader(bytes: Uint8Array, path: string): Record<string, unknown> {
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${path} has a header that is not valid JSON (${oneLine(error)}).`);
  }
  if (!isRecord(header)) throw new UserError(`${path} has a header that is not a JSON object.`);
  const twice = duplicateKey(text);
  if (twice !== null) throw new UserError(`${path} has the tensor ${twice} twice.`);
  return header;
}

/** The first key that a JSON object's text has twice at its top level, or null. */
function duplicateKey(text: string): string | null {
  const seen = new Set<string>();
  let depth = 0;
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/g)) {
    if (token[0] === '{') depth++;
    else if (token[0] === '}') depth--;
    else if (depth === 1 && token[1] !== undefined) {
      const key = JSON.parse(token[0].slice(0, -token[1].length)) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return null;
}

function metadataOf(header: Record<string, unknown>, path: string): Record<string, string> {
  const metadata = header.__metadata__ ?? {};
  if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')) {
    return metadata as Record<string, string>;
  }
  throw new UserError(`${path}: __metadata__ must map names to texts, not ${show(metadata)}.`);
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function tensorInfo(name: string, entry: unknown, dataStart: number, path: string): TensorInfo {
  const fail = (fault: string): never => {
    throw new UserError(`${path}: tensor ${name} ${fault}.`);
  };
  if (!isRecord(entry)) return fail(`has the entry ${show(entry)}, not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BYTES, dtype)) {
    return fail(`has the element type ${show(dtype)}, which is not known`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    return fail(`has the shape ${show(shape)}, not a list of whole numbers`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail(`has data_offsets ${show(offsets)}, not [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, side) => product * side, DTYPE_BYTES[dtype as TensorDtype]);
  if (end - begin !== bytes) {
    return fail(`takes ${end - begin} bytes, but ${dtype} ${show(shape)} needs ${bytes}`);
  }
  return {
    name,
    dtype: dtype as TensorDtype,
    shape,
    offset: dataStart + begin,
    byteLength: bytes,
  };
}

/** The tensors must cover the file from the header to its end: no gap, no overlap, no rest. */
function checkCoverage(
  tensors: ReadonlyMap<string, TensorInfo>,
  dataStart: number,
  size: number,
  path: string,
): void {
  const inOrder = [...tensors.values()].sort(
    (a, b) => a.offset - b.offset || a.byteLength - b.byteLength,
  );
  let end = dataStart;
  for (const { name, offset, byteLength } of inOrder) {
    if (offset !== end) {
      const fault = offset < end ? 'overlaps the one before it' : 'leaves a gap before it';
      throw new UserError(`${path}: tensor ${name} ${fault}.`);
    }
    end += byteLength;
    if (end > size) {
      throw new UserError(
        `${path} is cut short: tensor ${name} ends at byte ${end}, and the file has ${size}; ${WAY_OUT}.`,
      );
    }
  }
  if (end < size)
    throw new UserError(`${path} has ${size - end} bytes too many at its end; ${WAY_OUT}.`);
}

async function readFully(
  handle: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < into.length;) {
    const wanted = Math.min(CHUNK_BYTES, into.length - done);
    const { bytesRead } = await withFile('read', path, () =>
      handle.read(into, done, wanted, position + done),
    );
    if (bytesRead === 0) throw new UserError(`${path} is cut short; ${WAY_OUT}.`);
    done += bytesRead;
  }
}

/**
 * Writes float32 tensors, sorted by name as the format's own library does, and puts them on the
 * disk. Tensors go out one by one; nothing is joined in memory. Not atomic: write into a folder that
 * is renamed into place (`writeFolderAtomic`), which also turns system errors into sentences.
 *
 * @throws RangeError when data and shape disagree or a name comes twice
 * @throws the system's error when the file cannot be written
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<NamedTensor>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
  const header = encodeHeader(sorted, metadata);
  const handle = await open(path, 'w');
  try {
    await writeFully(handle, header);
    for (const tensor of sorted) await writeFully(handle, bytesOf(tensor));
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

function bytesOf({ name, shape, data }: NamedTensor): Uint8Array {
  if (data.length !== elementCount(shape)) {
    throw new RangeError(`Tensor ${name} has ${data.length} elements, not those of [${shape}].`);
  }
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Length and header; the JSON is padded with spaces so that the data starts at a multiple of 8. */
function encodeHeader(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries = new Map<string, unknown>([['__metadata__', metadata]]);
  let end = 0;
  for (const { name, shape } of tensors) {
    if (entries.has(name)) throw new RangeError(`The tensor name ${name} is taken.`);
    const begin = end;
    end += DTYPE_BYTES.F32 * elementCount(shape);
    entries.set(name, { dtype: 'F32', shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const wanted = Math.min(CHUNK_BYTES, bytes.length - done);
    done += (await handle.write(bytes, done, wanted)).bytesWritten;
  }
}
