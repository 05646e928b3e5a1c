import { StoppedError, UserError, withMemoryExplained } from '../base/errors';
import type { EvaluationCost } from '../base/evaluation-cost';
import { measureCostBefore, type CostRequest } from './evaluation-cost';
import type { TrainEvent } from './events';
import { WITHOUT } from './live-model';
import type { StepperOptions, TrainingVectors } from './stepper';

/**
 * Before the first step, where a stop meanwhile is heard: tells how the training evaluates, if it does, and what that
 * costs. A cost that cannot be measured is no obstacle to the training, and null.
 */
export async function* tellCost(
  options: StepperOptions,
  vectors: TrainingVectors,
  request: Pick<CostRequest, 'setup' | 'cacheFolder' | 'signal'>,
): AsyncGenerator<TrainEvent, EvaluationCost | null, undefined> {
  const { evaluateEvery: every, evaluateCount: samples } = request.setup.config.training;
  if (every === 0) return null;
  let cost: EvaluationCost | null = null;
  try {
    cost = await measureCostBefore(options, vectors, { ...request, samples });
  } catch (thrown) {
    const error = withMemoryExplained(thrown, WITHOUT);
    if (error instanceof StoppedError) return null;
    if (!(error instanceof UserError)) throw error;
    const message = `What evaluating costs was not measured: ${error.message}`;
    yield { type: 'warning', message };
  }
  yield { type: 'evaluationPlan', every, samples, cost };
  return cost;
}
