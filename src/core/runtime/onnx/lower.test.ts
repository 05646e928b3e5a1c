import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../../test/support/fixtures';
import { cpu, drawn, evaluate, graphOf } from '../../../../test/support/values';
import { webgpu } from '../../../../test/support/webgpu';
import { GraphBuilder } from '../../graph/builder';
import { gradients } from '../../graph/gradient';
import type { Graph, Tensor as GraphTensor } from '../../graph/ops';
import { buildModel, type ModelConfig } from '../../nn/model';
import { smallUNet } from '../../nn/unet2d-config';
import { lower } from './lower';
import { LoweringContext } from './lowering';
import { encodeModel, type OnnxModel } from './model';
import { InferenceSession, Tensor } from './ort';

const UNET: ModelConfig = {
  type: 'unet',
  config: smallUNet({
    sampleSize: 8,
    channels: 1,
    blockOutChannels: [4, 12],
    layersPerBlock: 2,
    attention: [false, true],
    attentionHeadDim: 4,
  }),
};

/** A U-Net of constant weights, and with `training` its loss and gradients. */
function unetGraph(batch: number, training = false): Graph {
  const g = new GraphBuilder();
  const parameters: GraphTensor[] = [];
  const output = buildModel(
    g,
    UNET,
    {
      sample: g.feed('sample', [batch, 1, 8, 8]),
      timesteps: g.feed('timesteps', [batch]),
      classes: null,
    },
    ({ name, shape }) => {
      const values = drawn(shape, parameters.length).map((x) => 0.2 * x);
      const tensor = training ? g.state(name, shape) : g.constant(values, shape);
      parameters.push(tensor);
      return tensor;
    },
  );
  g.result('output', output);
  if (training) {
    const loss = g.reduceMean(g.flatten(g.square(output)), [0]);
    const flat = gradients(g, loss, parameters).map((t) => g.flatten(t));
    g.result('gradient', g.concat(flat, 0));
  }
  return g.build();
}

const domains = (model: OnnxModel) => new Set(model.nodes.map((node) => node.domain ?? ''));

describe('lowering', () => {
  it.each(['portable', 'gpu'] as const)('for %s uses standard operators only', (target) => {
    expect([...domains(lower(unetGraph(2, true), { target }))]).toEqual(['']);
    // That the graph has something to write otherwise shows on the CPU.
    expect(domains(lower(unetGraph(2, true), { target: 'cpu' }))).toContain('com.microsoft');
  });

  it.each([1, 2, 6, 7, 36, 37, 100, 217])(
    'joins %d parts on a GPU by six at most',
    async (count) => {
      const graph = graphOf((g) => {
        const parts = Array.from({ length: count }, (_, i) => g.mul(g.feed(`x${i}`, [2]), 1));
        g.result('joined', g.concat(parts, 0));
      });
      const { nodes } = lower(graph, { target: 'gpu' });
      for (const { opType, inputs } of nodes) {
        if (opType === 'Concat') expect(inputs.length).toBeLessThanOrEqual(6);
      }
      const feeds = Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`x${i}`, Float32Array.of(i, -i)]),
      );
      const expected = Object.values(feeds).flatMap((pair) => [...pair]);
      expect([...(await runModel(lower(graph, { target: 'gpu' }), feeds)).joined!]).toEqual(
        expected,
      );
      if (webgpu) expect([...(await evaluate(graph, feeds, webgpu)).joined!]).toEqual(expected);
    },
  );

  it.each(['cpu', 'gpu', 'portable'] as const)('for %s gives the same values', async (target) => {
    const feeds = { sample: drawn([2, 1, 8, 8], 50), timesteps: Float32Array.of(3, 900) };
    const expected = await evaluate(unetGraph(2), feeds);
    const { output } = await runModel(lower(unetGraph(2), { target }), feeds);
    expect(relativeError(output!, expected.output!)).toBeLessThan(1e-6);
  });

  it.each([1, 3])('leaves the batch open: %d images through one model', async (batch) => {
    const model = lower(unetGraph(2), { target: 'portable', openBatch: 'batch' });
    expect(model.inputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['sample', ['batch', 1, 8, 8]],
      ['timesteps', ['batch']],
    ]);
    expect(model.outputs.map(({ shape }) => shape)).toEqual([['batch', 1, 8, 8]]);
    const timesteps = Float32Array.from({ length: batch }, (_, i) => 10 + 300 * i);
    const feeds = { sample: drawn([batch, 1, 8, 8], 60), timesteps };
    const expected = await evaluate(unetGraph(batch), feeds);
    const session = await InferenceSession.create(encodeModel(model));
    const { output } = await session.run({
      sample: new Tensor('float32', feeds.sample, [batch, 1, 8, 8]),
      timesteps: new Tensor('float32', timesteps, [batch]),
    });
    await session.release();
    expect(output!.dims).toEqual([batch, 1, 8, 8]);
    expect(relativeError(output!.data as Float32Array, expected.output!)).toBeLessThan(1e-6);
  });

  it.each([
    [5000, [0]],
    [2 ** 20, [0]],
    [1_000_003, [0]],
    [3 * 401 * 409, [0, 1]],
  ])('sums all of %d elements to float32’s last digits', async (size, axes) => {
    const shape = axes.length === 1 ? [size] : [3 * 401, 409];
    const x = drawn(shape).map((value) => value * value);
    const exact = x.reduce((sum, value) => sum + value, 0);
    for (const keepDims of [false, true]) {
      const graph = graphOf((g) => g.result('y', g.reduceSum(g.feed('x', shape), axes, keepDims)));
      const { y } = await evaluate(graph, { x });
      expect(Math.abs(y![0]! / exact - 1)).toBeLessThan(5e-7);
    }
  });

  it('copies no output but what is an input, a constant or another output', async () => {
    const graph = graphOf((g) => {
      const x = g.feed('x', [2]);
      const sum = g.add(x, 1);
      g.result('sum', sum);
      g.result('again', sum);
      g.result('square', g.mul(sum, sum));
      g.result('input', x);
      g.result('constant', g.constant([5, 6]));
    });
    const { nodes } = lower(graph, { target: 'cpu' });
    expect(nodes.filter(({ opType }) => opType === 'Identity')).toHaveLength(3);
    const results = await evaluate(graph, { x: Float32Array.of(1, 2) });
    expect(Object.fromEntries(Object.entries(results).map(([name, x]) => [name, [...x]]))).toEqual({
      sum: [2, 3],
      again: [2, 3],
      square: [4, 9],
      input: [1, 2],
      constant: [5, 6],
    });
  });

  it('writes equal nodes and constants once', () => {
    const c = new LoweringContext('cpu', () => false);
    expect(c.emit('Add', ['a', 'b'])).toBe(c.emit('Add', ['a', 'b']));
    expect(c.emit('Add', ['b', 'a'])).not.toBe(c.emit('Add', ['a', 'b']));
    expect(c.ints([1, 2])).toBe(c.ints([1, 2]));
    expect(c.ints([12])).not.toBe(c.ints([1, 2]));
    expect(c.filled(1, [2])).not.toBe(c.filled(1, [1, 2]));
    expect(c.nodes).toHaveLength(2);
  });
});

async function runModel(model: OnnxModel, feeds: Record<string, Float32Array>) {
  const session = await InferenceSession.create(encodeModel(model));
  const inputs = model.inputs.map(({ name, shape }) => {
    return [name, new Tensor('float32', feeds[name]!, shape as number[])] as const;
  });
  const results = await session.run(Object.fromEntries(inputs));
  await session.release();
  return Object.fromEntries(
    Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]),
  );
}

/** Channels in and out that the provider's convolution gets wrong, and some next to them. */
const CHANNELS = [
  [6, 4],
  [9, 16],
  [18, 8],
  [15, 4],
  [6, 6],
  [3, 4],
  [12, 8],
  [5, 4],
] as const;

describe.runIf(webgpu)('convolution on webgpu against cpu', () => {
  it.each(CHANNELS)('%d channels to %d, forward and backward', async (channels, out) => {
    const shapes = { x: [2, channels, 6, 6], w: [out, channels, 3, 3], b: [out] };
    const graph = graphOf((g) => {
      const [x, w, b] = Object.entries(shapes).map(([name, shape]) => g.feed(name, shape));
      const y = g.conv2d(x!, w!, b!, { stride: 1, pads: [1, 1, 1, 1] });
      g.result('y', y);
      const loss = g.reduceSum(g.flatten(g.square(y)), [0]);
      gradients(g, loss, [x!, w!, b!]).forEach((d, i) => g.result(`d${i}`, d));
    });
    const feeds = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, drawn(shape, i)]),
    );
    const expected = await evaluate(graph, feeds, cpu);
    const actual = await evaluate(graph, feeds, webgpu!);
    for (const [name, value] of Object.entries(actual)) {
      expect(relativeError(value, expected[name]!), name).toBeLessThan(2e-6);
    }
  });

  it.each([6, 9])('batches of %d images, and a stride of 2', async (n) => {
    const shapes = { x: [n, 3, 8, 8], dy: [n, 4, 4, 4] };
    const attrs = { stride: 2, pads: [1, 1, 1, 1] } as const;
    const graph = graphOf((g) => {
      const [x, dy] = Object.entries(shapes).map(([name, shape]) => g.feed(name, shape));
      g.result('dw', g.conv2dWeightGrad(x!, dy!, [4, 3, 3, 3], attrs));
      const w = g.constant(drawn([4, 3, 3, 3], 5), [4, 3, 3, 3]);
      g.result('dx', g.conv2dInputGrad(dy!, w, shapes.x, attrs));
    });
    const feeds = { x: drawn(shapes.x), dy: drawn(shapes.dy, 1) };
    const expected = await evaluate(graph, feeds, cpu);
    const actual = await evaluate(graph, feeds, webgpu!);
    for (const [name, value] of Object.entries(actual)) {
      expect(relativeError(value, expected[name]!), name).toBeLessThan(2e-6);
    }
  });
});
