import { UserError } from '../base/errors';
import type { TensorInfo } from './safetensors';

/** Names and shapes that a file's tensors must have. */
export type ExpectedShapes = ReadonlyMap<string, readonly number[]>;

/** Where tensors are read from by name. */
export interface TensorReader {
  /** The file, as it is named in errors. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readFloat32(name: string): Promise<Float32Array>;
}

/** What helps where files are missing or do not belong together. */
export const WAY_OUT = 'use another copy or checkpoint';

/** From a reader's names to the expected ones. */
export type Rename = (name: string) => string;

/**
 * Checks that a reader has exactly the expected tensors, by their names and shapes.
 *
 * @returns the reader's entry of each expected tensor
 * @throws UserError that names missing, unknown, doubled and wrongly shaped tensors
 */
export function checkExactly(
  reader: Pick<TensorReader, 'path' | 'tensors'>,
  expected: ExpectedShapes,
  rename: Rename = (name) => name,
): Map<string, TensorInfo> {
  const stored = new Map<string, TensorInfo>();
  const fail = (fault: string): never => {
    throw new UserError(`${reader.path} does not fit its configuration: ${fault}; ${WAY_OUT}.`);
  };
  for (const info of reader.tensors.values()) {
    const name = rename(info.name);
    const other = stored.get(name);
    if (other) fail(`${other.name} and ${info.name} are the same tensor under two names`);
    stored.set(name, info);
  }
  const missing = [...expected.keys()].filter((name) => !stored.has(name));
  const unknown = [...stored.keys()].filter((name) => !expected.has(name));
  const faults = [
    missing.length > 0 ? `lacks ${listNames(missing)}` : [],
    unknown.length > 0 ? `has ${listNames(unknown)}, which the model does not know` : [],
  ].flat();
  if (faults.length > 0) fail(`it ${faults.join(', and ')}`);
  for (const [name, shape] of expected) {
    const actual = stored.get(name)!.shape;
    if (actual.join() === shape.join()) continue;
    fail(`tensor ${name} has the shape [${actual.join(', ')}], not [${shape.join(', ')}]`);
  }
  return stored;
}

/**
 * Reads the expected tensors as float32.
 *
 * @throws UserError when the reader's tensors are not exactly the expected ones
 */
export async function readExactly(
  reader: TensorReader,
  expected: ExpectedShapes,
  rename?: Rename,
): Promise<Map<string, Float32Array>> {
  const stored = checkExactly(reader, expected, rename);
  const values = new Map<string, Float32Array>();
  for (const name of expected.keys()) {
    values.set(name, await reader.readFloat32(stored.get(name)!.name));
  }
  return values;
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ');
  const rest = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `the tensor${names.length > 1 ? 's' : ''} ${shown}${rest}`;
}
