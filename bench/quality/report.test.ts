import { describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/core/evaluate/evaluation';
import { report, verdictOf, type QualityResult } from './report';

const at = (value: number, error = 0.1) => ({ value, error });
const likeness = (frechet: number) => ({
  frechet: at(frechet),
  kernel: at(0.02, 0.01),
  precision: at(0.7),
  recall: at(0.6),
});

const judged = (frechet: number, fewer = false) => ({
  trainingSeconds: 250,
  evaluation: {
    dataset: 'idx:mnist',
    count: 1000,
    settings: { solver: 'ddim', steps: 50, seed: 0, guidance: 2 },
    featureSpace: { kind: 'classifier', accuracy: 0.987 },
    reference: 10_000,
    samples: likeness(frechet),
    asMany: fewer ? likeness(frechet + 0.5) : null,
    real: { count: fewer ? 300 : 1000, ...likeness(0.1) },
    classAccuracy: at(0.95, 0.01),
  } as Evaluation,
});

const result: QualityResult = {
  date: '2026-11-24T12:00:00Z',
  processor: 'a processor',
  threads: 2,
  versions: { torch: '2' },
  steps: 1100,
  batchSize: 64,
  ours: judged(1.5),
  peer: judged(1.4),
};

describe('verdictOf', () => {
  it('allows as much as both errors make together', () => {
    expect(verdictOf(at(1.5, 0.3), at(1.0, 0.4))).toEqual({
      difference: { value: 0.5, error: 0.5 },
      isNoWorse: true,
    });
    expect(verdictOf(at(1.51, 0.3), at(1.0, 0.4)).isNoWorse).toBe(false);
    expect(verdictOf(at(0.5), at(1.0)).isNoWorse).toBe(true);
    expect(verdictOf(at(1, NaN), at(1, 0.1)).isNoWorse).toBe(false);
  });
});

describe('report', () => {
  it('has both sides, the real images and the verdict', () => {
    const text = report(result);
    expect(text).toContain('| ours | 1000 | 1.50 ± 0.10 |');
    expect(text).toContain('| PyTorch’s | 1000 | 1.40 ± 0.10 |');
    expect(text).toContain('| held-out images | 1000 | 0.10 ± 0.10 |');
    expect(text).toContain('95.0 % ± 1.0 | 250 |');
    expect(text).toContain('Ours is no worse, within the uncertainty');
    expect(report({ ...result, ours: judged(1.6) })).toContain('Ours is WORSE');
  });

  it('compares as many samples as there are held-out images', () => {
    const text = report({ ...result, ours: judged(1.5, true) });
    expect(text).toContain('| ours, as many as held out | 300 | 2.00 ± 0.10 |');
  });

  it('says that PyTorch was not there', () => {
    const text = report({ ...result, peer: null });
    expect(text).toContain('PyTorch was not there');
    expect(text).not.toContain('PyTorch’s');
  });
});
