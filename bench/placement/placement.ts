import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Graph } from '../../src/core/graph/ops';
import { sizeOf } from '../../src/core/graph/shape';
import { constants, initialise, unpack } from '../../src/core/nn/parameters';
import type { HostTensor, Runtime } from '../../src/core/runtime/runtime';
import { predictionGraph } from '../../src/core/sample/denoiser';
import { buildTrainingStep, STATE } from '../../src/core/train/training-step';
import type { networkOf } from '../cases';

/** Where the nodes of a graph ran, by ONNX Runtime's profiler. */
export interface Placement {
  /** Nodes by execution provider: `{ WebGpuExecutionProvider: 731 }`. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Nodes by operator, the most frequent first. */
  readonly operators: readonly (readonly [operator: string, nodes: number])[];
  /** Programs that the GPU was given; 0 where the device cannot time them. */
  readonly dispatches: number;
}

interface ProfilerEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string };
}

/** Reads a profile of one run. */
export function placementIn(events: readonly ProfilerEvent[]): Placement {
  const nodes: Record<string, number> = {};
  const operators = new Map<string, number>();
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    const provider = args?.provider || 'unknown';
    nodes[provider] = (nodes[provider] ?? 0) + 1;
    operators.set(args!.op_name!, (operators.get(args!.op_name!) ?? 0) + 1);
  }
  return {
    nodes,
    operators: [...operators].sort((a, b) => b[1] - a[1]),
    dispatches: events.filter(({ cat }) => cat === 'Api').length,
  };
}

/** A value for each feed that no operation stumbles over: timesteps and factors are small and positive. */
function someFeeds(graph: Graph): Record<string, Float32Array> {
  const feeds = graph.inputs.filter(({ role }) => role === 'feed');
  return Object.fromEntries(
    feeds.map(({ name, tensor }) => {
      const values = Float32Array.from(
        { length: sizeOf(tensor.shape) },
        (_, i) => 1 / (1 + (i % 7)),
      );
      return [name, values];
    }),
  );
}

/** Compiles a graph, runs it once, and reads where its nodes ran. */
export async function placementOf(
  runtime: Runtime,
  graph: Graph,
  label: string,
  state: Readonly<Record<string, HostTensor>> = {},
): Promise<Placement> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-placement-'));
  try {
    const profile = path.join(folder, 'profile');
    const executable = await runtime.compile(graph, { label, profile });
    const held = await runtime.createState(state);
    await executable.run(someFeeds(graph), held);
    held.dispose();
    await executable.dispose();
    const [file] = readdirSync(folder);
    return placementIn(
      JSON.parse(readFileSync(path.join(folder, file!), 'utf8')) as ProfilerEvent[],
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Network = ReturnType<typeof networkOf>;

/** The graph of one training step, and a state to run it with. */
export function trainingGraph(
  { step, layout }: Pick<Network, 'step' | 'layout'>,
  batchSize: number,
) {
  const { batch } = buildTrainingStep({ ...step, batchSize });
  const params = { shape: [layout.total], data: initialise(layout, 0) };
  const zeros = { shape: [layout.total], data: new Float32Array(layout.total) };
  const all: Readonly<Record<string, HostTensor>> = {
    [STATE.params]: params,
    [STATE.expAvg]: zeros,
    [STATE.expAvgSq]: zeros,
    [STATE.ema]: params,
  };
  const names = batch.inputs.filter(({ role }) => role === 'state').map(({ name }) => name);
  return { graph: batch, state: Object.fromEntries(names.map((name) => [name, all[name]!])) };
}

/** The graph of a prediction, with its weights as constants. */
export function samplingGraph(
  { model, layout }: Pick<Network, 'model' | 'layout'>,
  batchSize: number,
): Graph {
  const weights = unpack(layout, initialise(layout, 0));
  return predictionGraph(model, batchSize, (g) => constants(g, weights));
}
