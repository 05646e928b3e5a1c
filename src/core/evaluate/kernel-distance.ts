import { dot, rowOf, type Features } from './features';
import { GROUPS, groupBounds, jackknifeError, type Estimate } from './jackknife';

/** k(a, b) = (a·b/width + 1)³, the kernel of Bińkowski et al. (2018, eq. 5). */
function kernel(a: Float32Array, b: Float32Array): number {
  return (dot(a, b) / a.length + 1) ** 3;
}

/** Sums of the kernel by the samples' groups, so that a group can be taken out again. */
interface GroupSums {
  /** Between groups of samples, without the pairs of an image and itself. */
  readonly within: readonly Float64Array[];
  /** Between each group of samples and the whole reference. */
  readonly across: Float64Array;
  readonly sizes: readonly number[];
}

function groupSums(samples: Features, reference: Features): GroupSums {
  const bounds = groupBounds(samples.count);
  const groupOf = bounds.flatMap(([from, to], group) => new Array<number>(to - from).fill(group));
  const within = bounds.map(() => new Float64Array(GROUPS));
  const across = new Float64Array(bounds.length);
  for (let i = 0; i < samples.count; i++) {
    const row = rowOf(samples, i);
    const group = groupOf[i]!;
    for (let j = 0; j < samples.count; j++) {
      if (j !== i) within[group]![groupOf[j]!]! += kernel(row, rowOf(samples, j));
    }
    for (let j = 0; j < reference.count; j++) across[group]! += kernel(row, rowOf(reference, j));
  }
  return { within, across, sizes: bounds.map(([from, to]) => to - from) };
}

/** Mean of the kernel over all pairs of different images. */
function meanWithin(features: Features): number {
  const { count } = features;
  let sum = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) sum += 2 * kernel(rowOf(features, i), rowOf(features, j));
  }
  return sum / (count * (count - 1));
}

/**
 * The kernel distance of Bińkowski et al. (2018): the unbiased squared maximum mean discrepancy (Gretton
 * et al., 2012, eq. 3) between samples and a reference, with its standard error as the samples are others.
 * Around 0 for equal distributions, and then as often below as above.
 */
export function kernelDistance(samples: Features, reference: Features): Estimate {
  const { within, across, sizes } = groupSums(samples, reference);
  const ofReference = meanWithin(reference);
  /** The figure without group g; of all groups where g is −1. */
  const without = (g: number) => {
    let count = 0;
    let pairs = 0;
    let toReference = 0;
    sizes.forEach((size, a) => {
      if (a === g) return;
      count += size;
      toReference += across[a]!;
      sizes.forEach((_, b) => (pairs += b === g ? 0 : within[a]![b]!));
    });
    const crossed = toReference / (count * reference.count);
    return pairs / (count * (count - 1)) + ofReference - 2 * crossed;
  };
  return { value: without(-1), error: jackknifeError(sizes.map((_, g) => without(g))) };
}
