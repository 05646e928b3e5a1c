import path from 'node:path';
import { stat } from 'node:fs/promises';
import { UserError } from '../base/errors';
import { exists, withFile } from '../base/files';
import { pipelineFolderOf } from './describe';
import { currentName } from './diffusers-folder';
import { findWeights, NetWeights, WEIGHTS, weightsOfFile, type WeightsPlace } from './net-weights';
import { numbersOf } from './tensor-statistics';

/** How far one tensor of a net is from the same tensor of another. */
export interface TensorDifference {
  readonly name: string;
  readonly shape: readonly number[];
  /** Numbers that are not the same; two NaN are. */
  readonly different: number;
  readonly count: number;
  /** The largest |a − b|; NaN where a number is NaN on one side alone. */
  readonly maxDifference: number;
  /** ‖a − b‖ / ‖a‖; infinite where a is 0 and b is not. */
  readonly relativeNorm: number;
}

/** What two nets' weights have in common. */
export interface WeightsComparison {
  /** The files that were compared: safetensors, or the index of several. */
  readonly a: string;
  readonly b: string;
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  readonly otherShapes: readonly {
    readonly name: string;
    readonly a: readonly number[];
    readonly b: readonly number[];
  }[];
  /** Tensors of one name and shape, in a's order. */
  readonly tensors: readonly TensorDifference[];
  /** ‖a − b‖ / ‖a‖ over all of `tensors` together. */
  readonly relativeNorm: number;
}

/**
 * Compares the weights of two nets, piece by piece. Attention tensors under their old names are those
 * of today.
 *
 * @param a a safetensors file, a run (its latest checkpoint), a checkpoint or a diffusers folder; so `b`
 * @throws UserError if either cannot be read
 * @throws StoppedError when `signal` is aborted
 */
export async function compareWeights(
  a: string,
  b: string,
  signal?: AbortSignal,
): Promise<WeightsComparison> {
  const first = await NetWeights.open(await weightsPlaceOf(a));
  try {
    const second = await NetWeights.open(await weightsPlaceOf(b));
    try {
      return await compare(first, second, signal);
    } finally {
      await second.close();
    }
  } finally {
    await first.close();
  }
}

async function weightsPlaceOf(target: string): Promise<WeightsPlace> {
  if (!(await exists(target))) throw new UserError(`${target} does not exist; check the path.`);
  const isFile = await withFile('read', target, async () => (await stat(target)).isFile());
  if (isFile) return weightsOfFile(target);
  const isBare =
    (await exists(path.join(target, WEIGHTS))) ||
    (await exists(path.join(target, `${WEIGHTS}.index.json`)));
  if (isBare) return findWeights(target);
  const folder = await pipelineFolderOf(target);
  const inner = path.join(folder, 'unet');
  return findWeights((await exists(inner)) ? inner : folder);
}

async function compare(
  a: NetWeights,
  b: NetWeights,
  signal: AbortSignal | undefined,
): Promise<WeightsComparison> {
  const names = (weights: NetWeights) =>
    new Map([...weights.tensors.keys()].map((name) => [currentName(name), name]));
  const [inA, inB] = [names(a), names(b)];
  const common = [...inA.keys()].filter((name) => inB.has(name));
  const shapesOf = (name: string) => ({
    name,
    a: a.tensors.get(inA.get(name)!)!.shape,
    b: b.tensors.get(inB.get(name)!)!.shape,
  });
  const isOther = (name: string) => shapesOf(name).a.join() !== shapesOf(name).b.join();
  const sums = { difference: 0, norm: 0 };
  const tensors: TensorDifference[] = [];
  for (const name of common) {
    if (isOther(name)) continue;
    const ours = numbersOf(a.ownerOf(inA.get(name)!), inA.get(name)!, signal);
    const theirs = numbersOf(b.ownerOf(inB.get(name)!), inB.get(name)!, signal);
    const distance = await distanceOf(ours, theirs);
    sums.difference += distance.difference;
    sums.norm += distance.norm;
    const { count, different, maxDifference } = distance;
    const relativeNorm = relative(distance);
    tensors.push({ name, shape: shapesOf(name).a, count, different, maxDifference, relativeNorm });
  }
  return {
    a: a.path,
    b: b.path,
    onlyInA: [...inA.keys()].filter((name) => !inB.has(name)),
    onlyInB: [...inB.keys()].filter((name) => !inA.has(name)),
    otherShapes: common.filter(isOther).map(shapesOf),
    tensors,
    relativeNorm: relative(sums),
  };
}

interface SquaredNorms {
  readonly difference: number;
  readonly norm: number;
}

function relative({ difference, norm }: SquaredNorms): number {
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

/** Both have as many numbers, and come in pieces of the same lengths. */
async function distanceOf(
  a: AsyncGenerator<Float64Array>,
  b: AsyncGenerator<Float64Array>,
): Promise<SquaredNorms & Omit<TensorDifference, 'name' | 'shape' | 'relativeNorm'>> {
  let [count, different, maxDifference, difference, norm] = [0, 0, 0, 0, 0];
  for await (const piece of a) {
    const other = (await b.next()).value as Float64Array;
    count += piece.length;
    for (let i = 0; i < piece.length; i++) {
      const value = piece[i]!;
      const counterpart = other[i]!;
      norm += value * value;
      if (value === counterpart || Object.is(value, counterpart)) continue;
      const distance = Math.abs(value - counterpart);
      different++;
      difference += distance * distance;
      // Once NaN, it stays: Math.max passes it on.
      maxDifference = Math.max(maxDifference, distance);
    }
  }
  return { count, different, maxDifference, difference, norm };
}
