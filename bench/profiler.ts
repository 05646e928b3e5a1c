import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Graph } from '../src/core/graph/ops';
import { sizeOf } from '../src/core/graph/shape';
import type { Runtime } from '../src/core/runtime/runtime';
import type { GraphAndState } from './graphs';

/** Shapes as ONNX Runtime's profiler writes them: `[{ "float": [32, 64] }, …]`. */
type ProfiledShapes = readonly Readonly<Record<string, readonly number[]>>[];

/** An event of ONNX Runtime's profiler. */
export interface ProfilerEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur?: number;
  readonly args?: {
    readonly provider?: string;
    readonly op_name?: string;
    readonly input_type_shape?: ProfiledShapes;
    readonly output_type_shape?: ProfiledShapes;
  };
}

/** Whether an event is the run of a node, rather than what is around it. */
export function isKernel({ cat, name }: ProfilerEvent): boolean {
  return cat === 'Node' && name.endsWith('_kernel_time');
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

/** Compiles a graph, runs it some times, and gives what the profiler saw. */
export async function profiled(
  runtime: Runtime,
  { graph, state }: GraphAndState,
  label: string,
  runs = 1,
): Promise<readonly ProfilerEvent[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-profile-'));
  try {
    const profile = path.join(folder, 'profile');
    const executable = await runtime.compile(graph, { label, profile });
    const held = await runtime.createState(state);
    const feeds = someFeeds(graph);
    for (let i = 0; i < runs; i++) await executable.run(feeds, held);
    held.dispose();
    await executable.dispose();
    const [file] = readdirSync(folder);
    return JSON.parse(readFileSync(path.join(folder, file!), 'utf8')) as ProfilerEvent[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
