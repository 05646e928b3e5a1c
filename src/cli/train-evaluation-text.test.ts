import { describe, expect, it } from 'vitest';
import type { EvaluationLine } from '../core/checkpoint/evaluation-line';
import { evaluatedText } from './train-evaluation-text';

const figures = { frechet: 0.61, frechetError: 0.05, precision: 0.71, recall: 0.6 };
const line = (changes: Partial<EvaluationLine>) =>
  ({
    step: 500,
    ...figures,
    frechetHeldOut: null,
    classAccuracy: null,
    ...changes,
  }) as EvaluationLine;

describe('evaluatedText', () => {
  it('names each figure as docs/evaluation.md does', () => {
    expect(evaluatedText(line({ classAccuracy: 0.954, frechetHeldOut: 0.12 }))).toBe(
      'step 500: Fréchet 0.610 ± 0.050 (held-out images 0.1200) · precision 71.0 % · recall 60.0 % · ' +
        'class accuracy 95.4 %',
    );
  });

  it('leaves out what a model without classes and a run without held-out images do not have', () => {
    expect(evaluatedText(line({}))).toBe(
      'step 500: Fréchet 0.610 ± 0.050 · precision 71.0 % · recall 60.0 %',
    );
  });
});
