import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../base/errors';
import { exists, readJson, withFile } from '../base/files';
import { isRecord, show } from '../base/schema';
import { WAY_OUT, type TensorReader } from './exact-tensors';
import { SafetensorsFile, type TensorInfo } from './safetensors';

export const WEIGHTS = 'diffusion_pytorch_model.safetensors';

/** Where a net's weights lie. */
export interface WeightsPlace {
  /** A safetensors file, or the index of several. */
  readonly path: string;
  /** For each tensor of an index the path of the file that has it; null for one file. */
  readonly shards: ReadonlyMap<string, string> | null;
  readonly warnings: readonly string[];
}

/**
 * Finds the weights in a net's folder: one file, or the index of several, as diffusers saves them; else the
 * one file of a variant, such as fp16.
 *
 * @throws UserError when there are none, or the index is broken or names a file that is not there
 */
export async function findWeights(folder: string): Promise<WeightsPlace> {
  const file = path.join(folder, WEIGHTS);
  if (await exists(file)) return { path: file, shards: null, warnings: [] };
  const index = `${file}.index.json`;
  if (await exists(index)) return { path: index, shards: await readIndex(index), warnings: [] };
  const names = await withFile('read the folder', folder, () => readdir(folder));
  const variants = names.filter((name) =>
    /^diffusion_pytorch_model\.[\w-]+\.safetensors$/.test(name),
  );
  if (variants.length === 1) {
    const warning = `${folder} has its weights as a variant only: ${variants[0]} is read.`;
    return { path: path.join(folder, variants[0]!), shards: null, warnings: [warning] };
  }
  if (names.includes('diffusion_pytorch_model.bin')) {
    throw new UserError(
      `${folder} has its weights as a pickle (.bin), which can run code when it is read; save it ` +
        'again with safe_serialization=True.',
    );
  }
  throw new UserError(`${folder} is not whole: ${WEIGHTS} is missing; ${WAY_OUT}.`);
}

/** The index of a net in several files, also of a variant: `….safetensors.index.fp16.json`. */
const INDEX = /\.safetensors\.index(\.[\w-]+)?\.json$/;
const SHARD = /-\d+-of-\d+\.safetensors$/;

/**
 * The weights that a file stands for: its own, or those of an index.
 *
 * @throws UserError when it is neither, or the index is broken or names a file that is not there
 */
export async function weightsOfFile(file: string): Promise<WeightsPlace> {
  if (INDEX.test(file)) return { path: file, shards: await readIndex(file), warnings: [] };
  if (file.endsWith('.safetensors')) return { path: file, shards: null, warnings: [] };
  throw new UserError(
    `${file} is no safetensors file; give one, or a run, a checkpoint or a diffusers folder.`,
  );
}

/**
 * The index of the net that a file is a part of; else the path as it is.
 *
 * @throws UserError when an index beside it is broken or names a file that is not there
 */
export async function wholeNetOf(file: string): Promise<string> {
  if (!SHARD.test(file)) return file;
  const folder = path.dirname(file);
  const names = await withFile('read the folder', folder, () => readdir(folder));
  for (const name of names.filter((each) => INDEX.test(each))) {
    const index = path.join(folder, name);
    if (new Set((await readIndex(index)).values()).has(file)) return index;
  }
  return file;
}

async function readIndex(index: string): Promise<ReadonlyMap<string, string>> {
  const json = await readJson(index);
  const map = isRecord(json) ? json.weight_map : undefined;
  if (!isRecord(map) || Object.keys(map).length === 0) {
    throw new UserError(`${index} has no weight_map of tensors and their files; ${WAY_OUT}.`);
  }
  const folder = path.dirname(index);
  const shards = new Map<string, string>();
  for (const [tensor, name] of Object.entries(map)) {
    if (typeof name !== 'string' || name === '' || path.basename(name) !== name) {
      throw new UserError(
        `${index} puts the tensor ${tensor} into ${show(name)}, which is not the name of a file beside it; ${WAY_OUT}.`,
      );
    }
    shards.set(tensor, path.join(folder, name));
  }
  for (const file of new Set(shards.values())) {
    if (await exists(file)) continue;
    throw new UserError(
      `${index} names the file ${path.basename(file)}, which is missing; ${WAY_OUT}.`,
    );
  }
  return shards;
}

/** The open files of a net's weights, whose headers were read and checked. */
export class NetWeights implements TensorReader {
  private constructor(
    readonly path: string,
    private readonly files: readonly SafetensorsFile[],
    private readonly owners: ReadonlyMap<string, SafetensorsFile>,
    readonly tensors: ReadonlyMap<string, TensorInfo>,
  ) {}

  /**
   * Reads and checks the headers. Close the weights after use.
   *
   * @throws UserError that names the file, the tensor and the fault
   */
  static async open(place: WeightsPlace): Promise<NetWeights> {
    const files: SafetensorsFile[] = [];
    try {
      const paths = place.shards ? new Set(place.shards.values()) : [place.path];
      for (const file of paths) files.push(await SafetensorsFile.open(file));
      const owners = ownersOf(files);
      checkIndex(place, owners);
      const tensors = new Map([...owners].map(([name, file]) => [name, file.info(name)]));
      return new NetWeights(place.path, files, owners, tensors);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  /** The file that has a tensor. */
  ownerOf(name: string): SafetensorsFile {
    const file = this.owners.get(name);
    if (!file) throw new UserError(`${this.path} has no tensor ${name}.`);
    return file;
  }

  /**
   * A tensor as float32.
   *
   * @throws UserError if it holds what is no weight: whole numbers, NaN or infinity
   */
  async readFloat32(name: string): Promise<Float32Array> {
    const file = this.ownerOf(name);
    const values = await file.readFloat32(name);
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at < 0) return values;
    const wrong = values.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
    const first = Number.isNaN(values[at]) ? 'a NaN' : 'infinite';
    throw new UserError(
      `${file.path}: tensor ${name} has ${wrong} of its ${values.length} numbers not finite (the first, at ` +
        `${at}, is ${first}), so nothing can be computed with it; ${WAY_OUT}.`,
    );
  }

  async close(): Promise<void> {
    for (const file of this.files) await file.close();
  }
}

function ownersOf(files: readonly SafetensorsFile[]): Map<string, SafetensorsFile> {
  const owners = new Map<string, SafetensorsFile>();
  for (const file of files) {
    for (const name of file.tensors.keys()) {
      const other = owners.get(name);
      if (other) {
        throw new UserError(
          `${file.path} has the tensor ${name}, which ${path.basename(other.path)} has too; ${WAY_OUT}.`,
        );
      }
      owners.set(name, file);
    }
  }
  return owners;
}

function checkIndex(place: WeightsPlace, owners: ReadonlyMap<string, SafetensorsFile>): void {
  for (const [tensor, file] of place.shards ?? []) {
    if (owners.get(tensor)?.path === file) continue;
    throw new UserError(
      `${place.path} puts the tensor ${tensor} into ${path.basename(file)}, which does not have it; ${WAY_OUT}.`,
    );
  }
}
