import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface FixtureTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const FOLDER = path.resolve(__dirname, '../fixtures');

export function fixtureJson<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(FOLDER, name), 'utf8')) as T;
}

/** All float32 tensors of a stored safetensors file. */
export function fixtureTensors(name: string): Map<string, FixtureTensor> {
  const bytes = readFileSync(path.join(FOLDER, name));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, FixtureTensor>();
  for (const [key, { dtype, shape, data_offsets: range }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    const start = 8 + headerLength + range[0];
    const copy = Uint8Array.from(bytes.subarray(start, start - range[0] + range[1]));
    tensors.set(key, { shape, data: new Float32Array(copy.buffer) });
  }
  return tensors;
}

/** ‖actual − expected‖ / max(‖expected‖, least). */
export function relativeError(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  least = 0,
): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference) / Math.max(Math.sqrt(norm), least, 1e-30);
}
