import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Ways to break good files, and to see what a command did to a folder. */

/** Cuts a file to a share of its length. */
export function cutShort(file: string, share = 0.5): void {
  truncateSync(file, Math.floor(statSync(file).size * share));
}

/** Sets a key of a JSON file, by its dotted path; undefined removes it. */
export function setKey(file: string, dotted: string, value: unknown): void {
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const keys = dotted.split('.');
  const last = keys.pop()!;
  const owner = keys.reduce((at, key) => at[key] as Record<string, unknown>, json);
  owner[last] = value;
  writeFileSync(file, JSON.stringify(json));
}

/** Removes the last tensor of a safetensors file: a whole file, but not the whole net. */
export function dropLastTensor(file: string): void {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<
    string,
    { data_offsets?: [from: number, to: number] }
  >;
  const end = bytes.length - start;
  const [last, info] = Object.entries(header).find(([, it]) => it.data_offsets?.[1] === end)!;
  const kept = Object.entries(header).filter(([name]) => name !== last);
  const text = Buffer.from(JSON.stringify(Object.fromEntries(kept)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = bytes.subarray(start, start + info.data_offsets![0]);
  writeFileSync(file, Buffer.concat([length, text, data]));
}

/** A tensor as it lies in a safetensors file. */
export interface StoredTensor {
  dtype: string;
  shape: number[];
  data: Buffer;
}

function parts(file: string): { header: Record<string, unknown>; data: Buffer } {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, unknown>;
  return { header, data: bytes.subarray(start) };
}

function join(header: Buffer, data: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

/** Writes a safetensors file anew with its tensors changed: a whole file, whatever is in it. */
export function editTensors(
  file: string,
  edit: (tensors: Map<string, StoredTensor>) => void,
): void {
  const { header, data } = parts(file);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const {
      dtype,
      shape,
      data_offsets: range,
    } = entry as {
      dtype: string;
      shape: number[];
      data_offsets: [from: number, to: number];
    };
    tensors.set(name, { dtype, shape, data: Buffer.from(data.subarray(...range)) });
  }
  edit(tensors);
  let end = 0;
  const entries = [...tensors].map(([name, { dtype, shape, data: bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const bytes = [...tensors.values()].map((tensor) => tensor.data);
  writeFileSync(file, join(text, Buffer.concat(bytes)));
}

/** Replaces the text of a safetensors file's header, and leaves the data as they are. */
export function editHeader(file: string, edit: (text: string) => string | Buffer): void {
  const { header, data } = parts(file);
  writeFileSync(file, join(Buffer.from(edit(JSON.stringify(header))), data));
}

/** Makes a safetensors file announce a header of so many bytes. */
export function announceHeader(file: string, length: bigint): void {
  const bytes = readFileSync(file);
  bytes.writeBigUInt64LE(length);
  writeFileSync(file, bytes);
}

/** All that lies below a folder, hidden names too: a hash of each file, null for folders. */
export function contentOf(folder: string): Map<string, string | null> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  return new Map(
    names.map((name) => {
      const file = path.join(folder, name);
      return [name, statSync(file).isFile() ? hash(file) : null];
    }),
  );
}
