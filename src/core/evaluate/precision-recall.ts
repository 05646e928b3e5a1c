import { rowOf, squaredDistance, type Features } from './features';
import { shareOf, type Estimate } from './jackknife';

export interface PrecisionRecall {
  /** Share of the samples that lie among the real images, 0 … 1. */
  readonly precision: Estimate;
  /** Share of the real images that lie among the samples, 0 … 1. */
  readonly recall: Estimate;
}

/** Which neighbour's distance is the radius of a point's ball. */
const NEIGHBOUR = 3;

/** The squared distance of each point to its k-th nearest neighbour among the others. */
function squaredRadii(points: Features, k: number): Float64Array {
  const radii = new Float64Array(points.count);
  const nearest = new Float64Array(k);
  for (let i = 0; i < points.count; i++) {
    nearest.fill(Infinity);
    for (let j = 0; j < points.count; j++) {
      if (j === i) continue;
      insert(nearest, squaredDistance(rowOf(points, i), rowOf(points, j)));
    }
    radii[i] = nearest[k - 1]!;
  }
  return radii;
}

/** Keeps the smallest values, in order. */
function insert(smallest: Float64Array, value: number): void {
  let at = smallest.length - 1;
  if (value >= smallest[at]!) return;
  while (at > 0 && smallest[at - 1]! > value) {
    smallest[at] = smallest[at - 1]!;
    at--;
  }
  smallest[at] = value;
}

/** The share of points in any of the balls around others, with its binomial standard error. */
function shareInside(points: Features, centres: Features, radii: Float64Array): Estimate {
  let inside = 0;
  for (let i = 0; i < points.count; i++) {
    const point = rowOf(points, i);
    for (let j = 0; j < centres.count; j++) {
      if (squaredDistance(point, rowOf(centres, j)) > radii[j]!) continue;
      inside++;
      break;
    }
  }
  return shareOf(inside / points.count, points.count);
}

/**
 * Precision and recall of Kynkäänniemi et al. (2019, eq. 1 and 2): each set's place is the union of balls
 * around its points, as wide as to the third-nearest neighbour. More than 3 points each; depends on the
 * counts, so compare equal ones.
 */
export function precisionRecall(samples: Features, real: Features): PrecisionRecall {
  return {
    precision: shareInside(samples, real, squaredRadii(real, NEIGHBOUR)),
    recall: shareInside(real, samples, squaredRadii(samples, NEIGHBOUR)),
  };
}
