import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../../test/support/fixtures';
import { cpu, drawn, evaluate, graphOf } from '../../../../test/support/values';
import { webgpu } from '../../../../test/support/webgpu';
import type { Graph } from '../../graph/ops';
import { lower } from './lower';
import { encodeModel } from './model';
import { InferenceSession, Tensor } from './ort';

type Feeds = Readonly<Record<string, Float32Array>>;

/** What is written for a GPU, run on the CPU provider. */
async function asWritten(graph: Graph, feeds: Feeds): Promise<Feeds> {
  const model = lower(graph, { target: 'gpu' });
  const session = await InferenceSession.create(encodeModel(model));
  const inputs = graph.inputs.map(
    ({ name, tensor }) => [name, new Tensor('float32', feeds[name]!, tensor.shape)] as const,
  );
  const results = await session.run(Object.fromEntries(inputs));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

function weightGradient(x: number[], dy: number[], w: number[], stride = 1, pad = 1): Graph {
  return graphOf((g) => {
    const attrs = { stride, pads: [pad, pad, pad, pad] } as const;
    g.result('dw', g.conv2dWeightGrad(g.feed('x', x), g.feed('dy', dy), w, attrs));
  });
}

const namesOf = (graph: Graph, op: string) =>
  lower(graph, { target: 'gpu' }).nodes.filter(({ opType }) => opType === op);

describe('a weight gradient on a GPU', () => {
  it('takes the images in equal parts where their columns would not fit one buffer', async () => {
    // 12 padded taps of 16 channels at 128×128, in float32: 12.6 MB an image, of 134 MB.
    const shapes = { x: [12, 16, 128, 128], dy: [12, 2, 128, 128] };
    const graph = weightGradient(shapes.x, shapes.dy, [2, 16, 3, 3]);
    const columns = namesOf(graph, 'Conv');
    expect(columns).toHaveLength(2);
    const feeds = { x: drawn(shapes.x), dy: drawn(shapes.dy, 1) };
    const expected = await evaluate(graph, feeds, cpu);
    const { dw } = await asWritten(graph, feeds);
    expect(relativeError(dw!, expected.dw!)).toBeLessThan(1e-5);
  });

  it('has no convolution where the kernels are single pixels', () => {
    const graph = weightGradient([2, 8, 4, 4], [2, 4, 4, 4], [4, 8, 1, 1], 1, 0);
    expect(namesOf(graph, 'Conv')).toEqual([]);
  });

  it.runIf(webgpu).each([
    // Channels that are and are not multiples of 4; the batch above and below 31, and prime.
    [[33, 8, 6, 6], [33, 8, 6, 6], [8, 8, 3, 3], 1],
    [[64, 5, 6, 6], [64, 6, 3, 3], [6, 5, 3, 3], 2],
    [[37, 3, 5, 5], [37, 16, 5, 5], [16, 3, 3, 3], 1],
  ])('of %j by %j is the cpu’s', async (x, dy, w, stride) => {
    const graph = weightGradient(x, dy, w, stride);
    const feeds = { x: drawn(x), dy: drawn(dy, 1) };
    const expected = await evaluate(graph, feeds, cpu);
    const actual = await evaluate(graph, feeds, webgpu!);
    expect(relativeError(actual.dw!, expected.dw!)).toBeLessThan(5e-6);
  });
});

/** The sum of a tensor `[a, b]` over its first axis, and of all of it, in double precision. */
function exactSums(x: Float32Array, a: number, b: number) {
  const columns = new Float64Array(b);
  for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) columns[j]! += x[i * b + j]!;
  return { columns, total: columns.reduce((sum, value) => sum + value, 0) };
}

describe('sums on a GPU', () => {
  const summing = (shape: number[], axes: number[]) =>
    graphOf((g) => g.result('sum', g.reduceSum(g.feed('x', shape), axes)));

  it('over the batch of much are passes of fewer than 32 terms', () => {
    const reduced = (rows: number) => namesOf(summing([rows, 2000], [0]), 'ReduceSum').length;
    expect([8, 31, 64, 1024].map(reduced)).toEqual([1, 1, 2, 3]);
    expect(namesOf(summing([64, 32], [0]), 'ReduceSum')).toHaveLength(1);
  });

  it('over batch and pixels begin with the pixels of large maps, as they lie', () => {
    const large = namesOf(summing([64, 32, 8, 8], [0, 2, 3]), 'ReduceSum');
    expect(large).toHaveLength(2);
    expect(large[0]!.inputs[0]).toBe('x');
    expect(namesOf(summing([8, 4, 6, 6], [0, 2, 3]), 'ReduceSum')).toHaveLength(1);
  });

  const runtimes = webgpu ? [cpu, webgpu] : [cpu];
  it.each(runtimes)('are exact to float32’s last digits on $device', async (runtime) => {
    const run = (graph: Graph, x: Float32Array) =>
      runtime === cpu ? asWritten(graph, { x }) : evaluate(graph, { x }, runtime);
    for (const [a, b] of [
      [64, 1500],
      [37, 1100],
      [62, 40],
      [3, 100_003],
    ] as const) {
      const x = drawn([a, b]).map((value) => value * value);
      const exact = exactSums(x, a, b);
      const { sum: columns } = await run(summing([a, b], [0]), x);
      columns!.forEach((value, j) => {
        expect(Math.abs(value / exact.columns[j]! - 1)).toBeLessThan(2e-6);
      });
      const { sum: total } = await run(summing([a, b], [0, 1]), x);
      expect(Math.abs(total![0]! / exact.total - 1)).toBeLessThan(1e-6);
    }
  });
});
