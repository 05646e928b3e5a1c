import { expect, it } from 'vitest';
import { EvaluationPace } from './evaluation-pace';

const COST = { samples: 200, secondsOnce: 40, secondsEach: 10, secondsPerStep: 1 };
const PLAN = { every: 100, samples: 200 };

it('goes by the measured cost until an evaluation has ended', () => {
  const pace = new EvaluationPace(COST);
  expect(pace.secondsLeft(1, 1000, PLAN)).toBe(40 + 10 * 10);
  expect(pace.secondsLeft(950, 1000, PLAN)).toBe(40 + 10);
  pace.end(200, 12);
  expect(pace.secondsLeft(901, 1000, PLAN)).toBe(12);
  expect(pace.secondsLeft(900, 1000, PLAN)).toBe(2 * 12);
  expect(pace.secondsLeft(1, 1000, { ...PLAN, every: 0 })).toBe(0);
});

it('goes by the measured cost again where the samples are others', () => {
  const pace = new EvaluationPace(COST);
  pace.end(200, 12);
  expect(pace.secondsLeft(950, 1000, { ...PLAN, samples: 400 })).toBe(20);
  pace.tell({ ...COST, samples: 400, secondsEach: 25 });
  expect(pace.secondsLeft(950, 1000, { ...PLAN, samples: 400 })).toBe(25);
});

it('knows nothing where nothing was measured', () => {
  expect(new EvaluationPace(null).secondsLeft(1, 1000, PLAN)).toBe(0);
});
