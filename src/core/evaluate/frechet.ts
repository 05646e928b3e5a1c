import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { rowOf, rowsWithout, type Features } from './features';
import { groupBounds, jackknifeError, type Estimate } from './jackknife';

/** Mean and covariance of features. */
export interface Gaussian {
  readonly mean: Float64Array;
  /** `[width, width]`, unbiased. */
  readonly covariance: Matrix;
}

/** The Gaussian of the features' mean and covariance; at least 2 rows. */
export function gaussianOf(features: Features): Gaussian {
  const { count, width } = features;
  const mean = new Float64Array(width);
  for (let i = 0; i < count; i++) rowOf(features, i).forEach((x, j) => (mean[j]! += x / count));
  const sums = new Float64Array(width * width);
  const centred = new Float64Array(width);
  for (let i = 0; i < count; i++) {
    rowOf(features, i).forEach((x, j) => (centred[j] = x - mean[j]!));
    for (let a = 0; a < width; a++) {
      for (let b = a; b < width; b++) sums[a * width + b]! += centred[a]! * centred[b]!;
    }
  }
  const covariance = new Matrix(width, width);
  for (let a = 0; a < width; a++) {
    for (let b = a; b < width; b++) {
      const value = sums[a * width + b]! / (count - 1);
      covariance.set(a, b, value);
      covariance.set(b, a, value);
    }
  }
  return { mean, covariance };
}

/** Eigenvalues below 0 are rounding of a matrix that has none. */
const root = (eigenvalue: number) => Math.sqrt(Math.max(0, eigenvalue));

/** The symmetric square root of a symmetric matrix without negative eigenvalues. */
function squareRoot(matrix: Matrix): Matrix {
  const { eigenvectorMatrix: vectors, realEigenvalues } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return vectors.mmul(Matrix.diag(realEigenvalues.map(root))).mmul(vectors.transpose());
}

/**
 * The squared Fréchet distance between two Gaussians (Dowson and Landau, 1982, eq. 4), as the FID of Heusel
 * et al. (2017, eq. 6): |μ₁ − μ₂|² + Tr(Σ₁ + Σ₂ − 2(Σ₁^½ Σ₂ Σ₁^½)^½). At least 0 but for rounding.
 */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const apart = a.mean.reduce((sum, x, i) => sum + (x - b.mean[i]!) ** 2, 0);
  const half = squareRoot(a.covariance);
  const inner = half.mmul(b.covariance).mmul(half);
  const { realEigenvalues } = new EigenvalueDecomposition(inner, { assumeSymmetric: true });
  const overlap = realEigenvalues.reduce((sum, value) => sum + root(value), 0);
  return apart + a.covariance.trace() + b.covariance.trace() - 2 * overlap;
}

/**
 * {@link frechetDistance} from samples to a reference, and its standard error as the samples are others. It
 * is biased upwards where samples are few (Bińkowski et al., 2018, section 4.1): compare equal counts.
 */
export function frechetEstimate(samples: Features, reference: Gaussian): Estimate {
  const distance = (features: Features) => frechetDistance(gaussianOf(features), reference);
  const without = groupBounds(samples.count).map(([from, to]) =>
    distance(rowsWithout(samples, from, to)),
  );
  return { value: distance(samples), error: jackknifeError(without) };
}
