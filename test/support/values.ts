import { normals, uniforms } from '../../src/core/base/random';
import { GraphBuilder } from '../../src/core/graph/builder';
import type { Graph } from '../../src/core/graph/ops';
import { sizeOf, type Shape } from '../../src/core/graph/shape';
import { OnnxRuntime } from '../../src/core/runtime/onnx/onnx-runtime';
import type { Runtime } from '../../src/core/runtime/runtime';

/** A stream of random numbers that no part of the program draws from. */
const TEST_STREAM = 1000;

/** One CPU thread: what most tests compute with. */
export const cpu = new OnnxRuntime({ device: 'cpu', threads: 1 });

/** Numbers drawn from N(0, 1); `index` gives another draw. */
export function drawn(shape: Shape, index = 0): Float32Array {
  return normals({ seed: 7, stream: TEST_STREAM, index }, new Float32Array(sizeOf(shape)));
}

/** Numbers drawn uniformly from `low` to `high`. */
export function between(low: number, high: number, shape: Shape, index = 0): Float32Array {
  const values = uniforms({ seed: 8, stream: TEST_STREAM, index }, new Float32Array(sizeOf(shape)));
  return values.map((u) => low + (high - low) * u);
}

/** A graph put together by `body`. */
export function graphOf(body: (g: GraphBuilder) => void): Graph {
  const g = new GraphBuilder();
  body(g);
  return g.build();
}

/** The results of one run of a graph that has no state. */
export async function evaluate(
  graph: Graph,
  feeds: Readonly<Record<string, Float32Array>>,
  runtime: Runtime = cpu,
): Promise<Readonly<Record<string, Float32Array>>> {
  const executable = await runtime.compile(graph, { label: 'a test' });
  try {
    return await executable.run(feeds);
  } finally {
    await executable.dispose();
  }
}
