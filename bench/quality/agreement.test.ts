import { describe, expect, it } from 'vitest';
import { checkAgreement, type Course } from './agreement';

const course: Course = {
  losses: [1, 0.5, 0.4],
  initial: Float32Array.of(1, -2, 0.5),
  average: Float32Array.of(0.5, 1, -0.25),
};
const ours = (changes: Partial<Course>): Course => ({ ...course, ...changes });

describe('checkAgreement', () => {
  it('tells how far apart the sides are', () => {
    const agreement = checkAgreement(ours({ losses: [1, 0.50002, 0.4] }), course);
    expect(agreement.prediction).toBe(0);
    expect(agreement.loss).toBeCloseTo(4e-5, 7);
  });

  it.each([
    ['another net', { initial: Float32Array.of(1, -2, 0.501) }, /^Predictions of the same weights/],
    ['a broken net', { initial: Float32Array.of(1, NaN, 0.5) }, /^Predictions of the same weights/],
    ['another first loss', { losses: [1.0005, 0.5, 0.4] }, /at step 1 differ by 5\.0e-4/],
    ['another later loss', { losses: [1, 0.5, 0.401] }, /at step 3 differ by 2\.5e-3/],
    ['no loss', { losses: [1, NaN, 0.4] }, /at step 2 differ by NaN/],
    ['another average', { average: Float32Array.of(0.5, 1.01, -0.25) }, /moving averages after 3/],
  ])('refuses %s', (_, changes, message) => {
    expect(() => checkAgreement(ours(changes), course)).toThrow(message);
  });

  it.each([[[]], [[1, 0.5]], [[1, 0.5, 0.4, 0.3]]])(
    'refuses losses of other steps, %j',
    (losses) => {
      const message = new RegExp(`PyTorch gave ${losses.length} losses for 3 steps`);
      expect(() => checkAgreement(course, { ...course, losses })).toThrow(message);
    },
  );
});
