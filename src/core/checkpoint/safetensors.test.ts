import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { SafetensorsFile, writeSafetensors } from './safetensors';

const FIXTURES = path.resolve(import.meta.dirname, '../../../test/fixtures/checkpoint');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'safetensors-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function withOpen<T>(file: string, work: (file: SafetensorsFile) => Promise<T>): Promise<T> {
  const opened = await SafetensorsFile.open(file);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

describe('reading what the format’s own library wrote', () => {
  const source = path.join(FIXTURES, 'dtypes.safetensors');

  it('converts every float type to the values that PyTorch gives', async () => {
    const text = readFileSync(path.join(FIXTURES, 'dtypes.json'), 'utf8');
    const expected = JSON.parse(text) as Record<string, string[]>;
    expect(Object.keys(expected)).toHaveLength(7);
    await withOpen(source, async (file) => {
      for (const [name, values] of Object.entries(expected)) {
        const numbers = values.map((v) => Number(v.replace('inf', 'Infinity')));
        expect([...(await file.readFloat32(name))], name).toEqual(numbers.map(Math.fround));
      }
    });
  });

  it('knows names, types, shapes and metadata, and gives raw bytes', async () => {
    await withOpen(source, async (file) => {
      expect(file.metadata).toEqual({ 'made by': 'safetensors' });
      expect(file.tensors.size).toBe(9);
      expect(file.info('matrix')).toMatchObject({ dtype: 'F32', shape: [2, 3], byteLength: 24 });
      expect(file.info('empty')).toMatchObject({ shape: [0, 4], byteLength: 0 });
      expect([...(await file.readBytes('bool'))]).toEqual([1, 0, 1]);
    });
  });

  it('names the tensor whose type is no weight, and the one that is not there', async () => {
    await withOpen(source, async (file) => {
      await expect(file.readFloat32('int64')).rejects.toThrow(
        `${source}: tensor int64 holds I64; weights must be F32, F16, BF16 or F64`,
      );
      expect(() => file.info('horse')).toThrow('has no tensor horse');
    });
  });
});

describe('writing', () => {
  it('writes the very bytes that the format’s own library writes', async () => {
    const source = path.join(FIXTURES, 'float32.safetensors');
    const copy = path.join(folder, 'copy.safetensors');
    const tensors = await withOpen(source, async (file) => {
      const read = [...file.tensors.values()].reverse();
      return Promise.all(
        read.map(async ({ name, shape }) => ({ name, shape, data: await file.readFloat32(name) })),
      );
    });
    await writeSafetensors(copy, tensors);
    expect(readFileSync(copy)).toEqual(readFileSync(source));
  });

  it('writes views into larger arrays, of any number of dimensions', async () => {
    const file = path.join(folder, 'views.safetensors');
    const all = Float32Array.from({ length: 10 }, (_, i) => i);
    await writeSafetensors(file, [
      { name: 'b', shape: [2, 1, 2], data: all.subarray(3, 7) },
      { name: 'a', shape: [], data: all.subarray(9) },
    ]);
    await withOpen(file, async (read) => {
      expect([...read.tensors.keys()]).toEqual(['a', 'b']);
      expect(read.info('a').offset % 8).toBe(0);
      expect([...(await read.readFloat32('b'))]).toEqual([3, 4, 5, 6]);
      expect([...(await read.readFloat32('a'))]).toEqual([9]);
    });
  });

  it('refuses data that does not fill its shape, and a name that comes twice', async () => {
    const file = path.join(folder, 'x.safetensors');
    const data = new Float32Array(2);
    await expect(writeSafetensors(file, [{ name: 'a', shape: [3], data }])).rejects.toThrow(
      RangeError,
    );
    const twice = [0, 1].map(() => ({ name: 'a', shape: [2], data }));
    await expect(writeSafetensors(file, twice)).rejects.toThrow('The tensor name a is taken.');
  });
});

/** A file's bytes from the text of its header and the number of data bytes. */
function bytesOf(header: unknown, dataBytes: number, announced?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(announced ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

const tensor = (begin: unknown, end: unknown, shape: unknown = [2], dtype: unknown = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('broken files', () => {
  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'has 0 bytes, too few'],
    ['seven bytes', Buffer.alloc(7), 'has 7 bytes, too few'],
    ['a picture', readBytes('README.md'), 'is cut short or not a safetensors file'],
    [
      'a header of 2^60 bytes',
      bytesOf({}, 0, 2n ** 60n),
      'announces a header of 1152921504606846976',
    ],
    ['a header of 2^64 − 1 bytes', bytesOf({}, 0, 2n ** 64n - 1n), 'announces a header of'],
    ['a header longer than the file', bytesOf({ a: tensor(0, 8) }, 0, 999n), 'header of 999 bytes'],
    ['a header of no bytes', bytesOf('', 0), 'a header that is not valid JSON'],
    ['a header cut inside', bytesOf('{"a":{"dtype":"F3', 8), 'a header that is not valid JSON'],
    ['a header that is not UTF-8', bytesOf({}, 0).fill(0xff, 8), 'a header that is not valid JSON'],
    ['a header that is a list', bytesOf([], 0), 'a header that is not a JSON object'],
    ['an entry that is a number', bytesOf({ a: 3 }, 0), 'tensor a has the entry 3'],
    [
      'an unknown type',
      bytesOf({ a: tensor(0, 8, [2], 'F99') }, 8),
      'tensor a has the element type "F99"',
    ],
    [
      'a type of the language',
      bytesOf({ a: tensor(0, 8, [2], 'toString') }, 8),
      'element type "toString"',
    ],
    [
      'a shape with a negative side',
      bytesOf({ a: tensor(0, 8, [-2]) }, 8),
      'tensor a has the shape [-2]',
    ],
    ['a shape that is no list', bytesOf({ a: tensor(0, 8, 2) }, 8), 'tensor a has the shape 2'],
    ['offsets that are no numbers', bytesOf({ a: tensor('0', 8) }, 8), 'data_offsets ["0",8]'],
    ['offsets the wrong way round', bytesOf({ a: tensor(8, 0) }, 8), 'tensor a takes -8 bytes'],
    [
      'fewer bytes than the shape',
      bytesOf({ a: tensor(0, 4) }, 4),
      'takes 4 bytes, but F32 [2] needs 8',
    ],
    [
      'a shape beyond all numbers',
      bytesOf({ a: tensor(0, 8, [1e9, 1e9]) }, 8),
      'takes 8 bytes, but',
    ],
    [
      'a gap',
      bytesOf({ a: tensor(0, 8), b: tensor(12, 20) }, 20),
      'tensor b leaves a gap before it',
    ],
    ['an overlap', bytesOf({ a: tensor(0, 8), b: tensor(4, 12) }, 12), 'tensor b overlaps'],
    [
      'data cut short',
      bytesOf({ a: tensor(0, 8), b: tensor(8, 16) }, 15),
      'is cut short: tensor b ends',
    ],
    ['data too long', bytesOf({ a: tensor(0, 8) }, 11), 'has 3 bytes too many'],
    [
      'metadata that is no text',
      bytesOf({ __metadata__: { a: 1 } }, 0),
      '__metadata__ must map names',
    ],
    [
      'a tensor twice',
      bytesOf(
        `{"a":${JSON.stringify(tensor(0, 8))},"\\u0061":${JSON.stringify(tensor(8, 16))}}`,
        16,
      ),
      'has the tensor a twice',
    ],
  ])('%s', async (_, bytes, sentence) => {
    const file = path.join(folder, 'broken.safetensors');
    writeFileSync(file, bytes);
    const error = await SafetensorsFile.open(file).then(
      () => new Error('it was accepted'),
      (reason: unknown) => reason as Error,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(sentence);
    expect(error.message).toContain(file);
  });

  it('names a file that is missing or a folder', async () => {
    await expect(SafetensorsFile.open(path.join(folder, 'none'))).rejects.toThrow('no such file');
    await expect(SafetensorsFile.open(folder)).rejects.toThrow('is a folder');
  });

  it('accepts names with quotes, braces and colons', async () => {
    const file = path.join(folder, 'names.safetensors');
    const names = ['a"b', '{', '"x":', 'dtype'].sort();
    const data = new Float32Array(1);
    await writeSafetensors(
      file,
      names.map((name) => ({ name, shape: [1], data })),
    );
    await withOpen(file, async (read) => expect([...read.tensors.keys()].sort()).toEqual(names));
  });
});

function readBytes(name: string): Buffer {
  return readFileSync(path.join(FIXTURES, name));
}
