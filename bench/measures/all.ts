import type { Bench } from '../bench';
import type { Comparison } from './comparison';
import { measureSampling } from './sampling';
import { measureTraining } from './training';

/** All that was measured; empty or null: not asked for. */
export interface Results {
  readonly training: readonly Comparison[];
  readonly sampling: readonly Comparison[];
}

export async function measureAll(bench: Bench): Promise<Results> {
  const { cases, measures } = bench.options;
  const training: Comparison[] = [];
  const sampling: Comparison[] = [];
  if (measures.includes('training')) {
    for (const one of cases) training.push(await measureTraining(bench, one));
  }
  if (measures.includes('sampling')) {
    for (const one of cases) {
      for (const batch of one.samplingBatches) {
        sampling.push(await measureSampling(bench, one, batch));
      }
    }
  }
  return { training, sampling };
}
