import { describe, expect, it } from 'vitest';
import { addedShare, costText } from '../base/evaluation-cost';
import { costOf } from './evaluation-cost';

const PIECES = {
  classifier: { steps: 101, firstSeconds: 5, laterSeconds: 0.1 },
  reference: 1000,
  secondsToRead: 0.001,
  secondsToEmbed: 0.002,
  samples: 200,
  predictions: 4 * 50,
  secondsToPredict: 0.05,
  secondsToCompare: 0.5,
  secondsPerStep: 0.25,
};

describe('the cost of evaluations', () => {
  it('is the sum of its pieces', () => {
    const cost = costOf(PIECES);
    expect(cost.secondsOnce).toBeCloseTo(5 + 100 * 0.1 + 1000 * 0.003, 10);
    expect(cost.secondsEach).toBeCloseTo(200 * 0.05 + 200 * 0.002 + 0.5, 10);
    expect(addedShare(cost, 500)).toBeCloseTo(10.9 / 125, 10);
  });

  it('has nothing to learn where the features are known', () => {
    const known = costOf({ ...PIECES, classifier: null, reference: 0, secondsToRead: 0 });
    expect(known.secondsOnce).toBe(0);
  });

  it('is told in a sentence', () => {
    const cost = { samples: 200, secondsOnce: 0, secondsEach: 12.2, secondsPerStep: 0.25 };
    expect(costText(cost, 500)).toBe('about 12 s each, which makes the training 10 % longer');
    expect(costText({ ...cost, secondsOnce: 40 }, 50_000)).toBe(
      'about 12 s each, which makes the training 0.1 % longer, and once 40 s to learn the features',
    );
  });
});
