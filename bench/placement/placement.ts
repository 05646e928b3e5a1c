import type { Runtime } from '../../src/core/runtime/runtime';
import type { GraphAndState } from '../graphs';
import { isKernel, profiled, type ProfilerEvent } from '../profiler';

/** Where the nodes of a graph ran, by ONNX Runtime's profiler. */
export interface Placement {
  /** Nodes by execution provider: `{ WebGpuExecutionProvider: 731 }`. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Nodes by operator, the most frequent first. */
  readonly operators: readonly (readonly [operator: string, nodes: number])[];
  /** Programs that the GPU was given; 0 where the device cannot time them. */
  readonly dispatches: number;
}

/** Reads a profile of one run. */
export function placementIn(events: readonly ProfilerEvent[]): Placement {
  const nodes: Record<string, number> = {};
  const operators = new Map<string, number>();
  for (const { args } of events.filter(isKernel)) {
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

/** Compiles a graph, runs it once, and reads where its nodes ran. */
export async function placementOf(
  runtime: Runtime,
  graph: GraphAndState,
  label: string,
): Promise<Placement> {
  return placementIn(await profiled(runtime, graph, label));
}
