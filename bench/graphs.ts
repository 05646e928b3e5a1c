import type { Graph } from '../src/core/graph/ops';
import { constants, initialise, unpack } from '../src/core/nn/parameters';
import type { HostTensor } from '../src/core/runtime/runtime';
import { predictionGraph } from '../src/core/sample/denoiser';
import { buildTrainingStep, STATE } from '../src/core/train/training-step';
import type { networkOf } from './cases';

type Network = ReturnType<typeof networkOf>;

/** A graph, and a state to run it with. */
export interface GraphAndState {
  readonly graph: Graph;
  readonly state: Readonly<Record<string, HostTensor>>;
}

/**
 * The graphs of one training step: of a batch, and of the update where the batch is one of several
 * whose gradients are summed.
 */
export function trainingGraphs(
  { step, layout }: Pick<Network, 'step' | 'layout'>,
  batchSize: number,
  accumulate = 1,
): { readonly batch: GraphAndState; readonly update: GraphAndState | null } {
  const { batch, update } = buildTrainingStep({ ...step, batchSize, accumulate });
  const params = { shape: [layout.total], data: initialise(layout, 0) };
  const zeros = { shape: [layout.total], data: new Float32Array(layout.total) };
  const all: Readonly<Record<string, HostTensor>> = {
    [STATE.params]: params,
    [STATE.expAvg]: zeros,
    [STATE.expAvgSq]: zeros,
    [STATE.ema]: params,
    [STATE.gradient]: zeros,
  };
  const withState = (graph: Graph): GraphAndState => {
    const names = graph.inputs.filter(({ role }) => role === 'state').map(({ name }) => name);
    return { graph, state: Object.fromEntries(names.map((name) => [name, all[name]!])) };
  };
  return { batch: withState(batch), update: update && withState(update) };
}

/** The graph of a prediction, with its weights as constants. */
export function samplingGraph(
  { model, layout }: Pick<Network, 'model' | 'layout'>,
  batchSize: number,
): Graph {
  const weights = unpack(layout, initialise(layout, 0));
  return predictionGraph(model, batchSize, (g) => constants(g, weights));
}
