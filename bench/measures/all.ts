import type { Bench } from '../shared';
import type { Measure } from '../options';
import type { Comparison } from './comparison';
import { measureData, type DataRates } from './data';
import { measureEngine, type EngineCost } from './engine';
import { measureFlatness, type Flatness } from './flatness';
import { measureMemory, type Memory } from './memory';
import { measureSampling } from './sampling';
import { measureStartup, type Startup } from './startup';
import { measureTraining } from './training';

/** All that was measured; empty or null: not asked for. */
export interface Results {
  readonly training: readonly Comparison[];
  readonly sampling: readonly Comparison[];
  readonly memory: readonly Memory[];
  readonly startup: readonly Startup[];
  readonly engine: EngineCost | null;
  readonly data: DataRates | null;
  readonly flatness: Flatness | null;
}

async function each<T, R>(items: readonly T[], measure: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await measure(item));
  return results;
}

/** Takes the measures that are asked for, one after the other. */
export async function measureAll(bench: Bench): Promise<Results> {
  const { cases, measures } = bench.options;
  const asked = (measure: Measure) => measures.includes(measure);
  const of = (measure: Measure) => (asked(measure) ? cases : []);
  const samplings = of('sampling').flatMap((one) =>
    one.samplingBatches.map((batch) => [one, batch] as const),
  );
  return {
    training: await each(of('training'), (one) => measureTraining(bench, one)),
    sampling: await each(samplings, ([one, batch]) => measureSampling(bench, one, batch)),
    memory: await each(of('memory'), (one) => measureMemory(bench, one)),
    startup: await each(of('startup').slice(0, 2), (one) => measureStartup(bench, one)),
    engine: asked('engine') ? await measureEngine(bench) : null,
    data: asked('data') ? await measureData(bench) : null,
    flatness: asked('flatness') ? await measureFlatness(bench) : null,
  };
}
