import { expect, it } from 'vitest';
import stored from '../../../test/fixtures/evaluate/figures.json';
import type { Features } from './features';
import { frechetDistance, frechetEstimate, gaussianOf } from './frechet';
import { groupBounds, jackknifeError } from './jackknife';
import { kernelDistance } from './kernel-distance';
import { precisionRecall } from './precision-recall';

function featuresOf(numbers: readonly number[], width: number): Features {
  return { data: Float32Array.from(numbers), count: numbers.length / width, width };
}

const samples = featuresOf(stored.samples, stored.width);
const reference = featuresOf(stored.reference, stored.width);

it('gives the Fréchet distance and its error as SciPy does', () => {
  const { value, error } = frechetEstimate(samples, gaussianOf(reference));
  expect(value).toBeCloseTo(stored.frechet.value, 5);
  expect(error).toBeCloseTo(stored.frechet.error, 5);
});

it('gives no Fréchet distance between a set and itself', () => {
  const gaussian = gaussianOf(samples);
  expect(frechetDistance(gaussian, gaussian)).toBeCloseTo(0, 8);
});

it('gives (μ₁ − μ₂)² + (σ₁ − σ₂)² on one axis', () => {
  const a = gaussianOf(featuresOf([1, 3], 1));
  const b = gaussianOf(featuresOf([10, 16], 1));
  const [deviationA, deviationB] = [Math.SQRT2, 3 * Math.SQRT2];
  expect(frechetDistance(a, b)).toBeCloseTo(11 ** 2 + (deviationA - deviationB) ** 2, 8);
});

it('holds where features do not vary on some axes', () => {
  const flat = featuresOf([1, 5, 2, 5, 3, 5, 4, 5], 2);
  expect(frechetDistance(gaussianOf(flat), gaussianOf(flat))).toBeCloseTo(0, 8);
});

it('gives the kernel distance and its error as NumPy does', () => {
  const { value, error } = kernelDistance(samples, reference);
  expect(value).toBeCloseTo(stored.kernel.value, 5);
  expect(error).toBeCloseTo(stored.kernel.error, 5);
});

it('gives precision and recall as NumPy does', () => {
  const found = precisionRecall(samples, reference);
  expect(found.precision.value).toBeCloseTo(stored.precision, 12);
  expect(found.recall.value).toBeCloseTo(stored.recall, 12);
});

it("takes a mean's standard error for what it is, by leaving out one at a time", () => {
  const values = [3, 1, 4, 1, 5, 9, 2, 6];
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const without = values.map((_, i) => mean(values.filter((_, j) => j !== i)));
  const variance =
    values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / (values.length - 1);
  expect(jackknifeError(without)).toBeCloseTo(Math.sqrt(variance / values.length), 12);
});

it('parts any count into groups without a gap', () => {
  for (const count of [1, 7, 10, 64, 1003]) {
    const bounds = groupBounds(count);
    expect(bounds[0]![0]).toBe(0);
    expect(bounds.at(-1)![1]).toBe(count);
    bounds.slice(1).forEach(([from], i) => expect(from).toBe(bounds[i]![1]));
  }
});
