import type { EvaluationLine, EvaluationStatus } from '../../src/engine/protocol';
import type { SyntheticRun } from './synthetic';

/** What evaluations in the course of a run that nobody trained found: samples that come nearer to the data. */
export function syntheticEvaluations(run: SyntheticRun, every: number): EvaluationLine[] {
  const count = Math.floor((run.done ?? run.steps) / every);
  return Array.from({ length: count }, (_, i) => {
    const step = (i + 1) * every;
    const share = step / run.steps;
    return {
      type: 'evaluation',
      step,
      time: step / 8.3,
      samples: 200,
      frechet: 0.12 + 2.4 * Math.exp(-4 * share) * (1 + 0.1 * Math.sin(5 * i)),
      frechetError: 0.02 + 0.15 * Math.exp(-4 * share),
      frechetHeldOut: 0.081,
      kernel: 0.002 + 0.4 * Math.exp(-5 * share),
      kernelError: 0.003,
      precision: 0.3 + 0.5 * share,
      precisionError: 0.03,
      recall: 0.2 + 0.5 * share,
      recallError: 0.03,
      classAccuracy: null,
      classAccuracyError: null,
      seconds: 11.8,
    };
  });
}

/** How a training is evaluated. */
export function syntheticEvaluationStatus(
  changes: Partial<EvaluationStatus> = {},
): EvaluationStatus {
  return { every: 100, samples: 200, cost: null, running: null, ...changes };
}
