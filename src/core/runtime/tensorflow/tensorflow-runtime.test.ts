import { beforeAll, describe, expect, it } from 'vitest';
import { readyTensorflow, tensorflow, tfjs } from '../../../../test/support/tensorflow';
import { openStepper, batchesOf, takeSteps, tinyConfig } from '../../../../test/support/training';
import { cpu, drawn, evaluate, graphOf } from '../../../../test/support/values';
import { UserError } from '../../base/errors';
import { PRESETS } from '../../config/presets';
import { TrainingConfig } from '../../config/training-config';
import type { DeviceState, Runtime } from '../runtime';

beforeAll(readyTensorflow);

const tensors = () => tfjs.memory().numTensors;
const SHAPE = [3, 2];

async function valuesOf(state: DeviceState): Promise<Record<string, Float32Array>> {
  const entries = state.names.map(async (name) => [name, await state.read(name)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** a' = b + x, b' = a, c' = c: what is replaced, what changes places, what is passed on. */
const swapping = graphOf((g) => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => g.state(name, SHAPE));
  g.nextState('a', g.add(b!, g.feed('x', SHAPE)));
  g.nextState('b', a!);
  g.nextState('c', c!);
  g.result('before', a!);
});
const initial = { a: drawn(SHAPE), b: drawn(SHAPE, 1), c: drawn(SHAPE, 2) };
const states = Object.fromEntries(
  Object.entries(initial).map(([name, data]) => [name, { data, shape: SHAPE }]),
);

describe('state on TensorFlow', () => {
  it('holds the right values over many runs, and no more tensors than it has names', async () => {
    const before = tensors();
    const executable = await tensorflow.compile(swapping, { label: 'swapping' });
    const state = await tensorflow.createState(states);
    let { a, b } = initial;
    for (let run = 0; run < 6; run++) {
      const x = drawn(SHAPE, 10 + run);
      const results = await executable.run({ x }, state);
      expect(results).toEqual({ before: a });
      [a, b] = [b.map((value, i) => value + x[i]!), a];
      expect(await valuesOf(state)).toEqual({ a, b, c: initial.c });
      expect(tensors()).toBe(before + 3);
    }
    state.dispose();
    await executable.dispose();
    expect(tensors()).toBe(before);
    await expect(state.read('a')).rejects.toThrow(/holds no a/);
  });

  it('is copied in and out', async () => {
    const data = Float32Array.from(initial.a);
    const state = await tensorflow.createState({ a: { data, shape: SHAPE } });
    data.fill(100);
    const first = await state.read('a');
    expect(first).toEqual(initial.a);
    first.fill(-1);
    expect(await state.read('a')).toEqual(initial.a);
    state.dispose();
  });

  it('is of the runtime that made it', async () => {
    const executable = await tensorflow.compile(swapping, { label: 'swapping' });
    const state = await cpu.createState(states);
    await expect(executable.run({ x: drawn(SHAPE) }, state)).rejects.toThrow(/another runtime/);
    state.dispose();
    await executable.dispose();
  });
});

describe('results on TensorFlow', () => {
  it('may be feeds, constants, or the same value twice, and are copies', async () => {
    const graph = graphOf((g) => {
      const x = g.feed('x', [2]);
      const twice = g.mul(x, 2);
      g.result('feed', x);
      g.result('constant', g.constant([1, 2]));
      g.result('one', twice);
      g.result('other', twice);
    });
    const before = tensors();
    const x = Float32Array.of(3, 4);
    const results = await evaluate(graph, { x }, tensorflow);
    const arrays = Object.values(results);
    expect(arrays.map((array) => [...array])).toEqual([[3, 4], [1, 2], [6, 8], [6, 8]]); // prettier-ignore
    results.feed!.fill(0);
    expect([...x]).toEqual([3, 4]);
    expect(results.one!.buffer).not.toBe(results.other!.buffer);
    expect(tensors()).toBe(before);
  });

  it('keep what is not a number', async () => {
    const graph = graphOf((g) => g.result('y', g.relu(g.add(g.feed('x', [3]), 1))));
    const x = Float32Array.of(NaN, Infinity, -Infinity);
    expect(await evaluate(graph, { x }, tensorflow)).toEqual(await evaluate(graph, { x }, cpu));
  });
});

describe('convolutions on TensorFlow', () => {
  /** A convolution's gradients by images and kernels, through channels-last layouts. */
  const graph = (pads: readonly [number, number, number, number], stride: number) =>
    graphOf((g) => {
      const [x, w] = [g.feed('x', [2, 3, 8, 7]), g.feed('w', [4, 3, 3, 3])];
      const attrs = { stride, pads };
      const y = g.conv2d(x, w, null, attrs);
      const z = g.sumPool(g.upsampleNearest(y));
      g.result('y', z);
      g.result('dx', g.conv2dInputGrad(z, w, x.shape, attrs));
      g.result('dw', g.conv2dWeightGrad(x, z, w.shape, attrs));
    });

  it.each([
    { pads: [1, 1, 1, 1], stride: 1 },
    { pads: [0, 0, 0, 0], stride: 1 },
    { pads: [0, 0, 1, 1], stride: 2 },
    { pads: [1, 1, 1, 1], stride: 2 },
    { pads: [2, 0, 1, 1], stride: 1 },
    { pads: [0, 0, 0, 0], stride: 3 },
  ] as const)('equal ONNX Runtime’s with pads $pads, stride $stride', async ({ pads, stride }) => {
    const feeds = { x: drawn([2, 3, 8, 7]), w: drawn([4, 3, 3, 3], 1) };
    const expected = await evaluate(graph(pads, stride), feeds, cpu);
    const actual = await evaluate(graph(pads, stride), feeds, tensorflow);
    for (const [name, values] of Object.entries(expected)) {
      expect(actual[name]!.length).toBe(values.length);
      values.forEach((value, i) => expect(actual[name]![i]).toBeCloseTo(value, 3));
    }
  });
});

describe('what goes wrong on TensorFlow', () => {
  const graph = graphOf((g) => g.result('y', g.exp(g.feed('x', [2, 3]))));

  it.each([
    ['a feed is missing', {}, 'a graph needs the feed x'],
    [
      'a feed is of another size',
      { x: new Float32Array(5) },
      'a graph was given x with 5 values, not those of [2, 3]',
    ],
  ])('where %s', async (_, feeds, message) => {
    const executable = await tensorflow.compile(graph, { label: 'a graph' });
    const before = tensors();
    await expect(executable.run(feeds)).rejects.toThrow(message);
    expect(tensors()).toBe(before);
    await executable.dispose();
  });

  it.each([
    'OOM when allocating tensor with shape[64,1,1024,1024] and type float on /device:GPU:0',
    'Invalid typed array length: 1099511627776',
  ])('for want of memory says what to lower, and leaves nothing: %s', async (message) => {
    const failing = { ...tfjs, sin: () => { throw new Error(message); } }; // prettier-ignore
    const { TensorflowRuntime } = await import('./tensorflow-runtime');
    const broken = graphOf((g) => g.result('y', g.sin(g.exp(g.feed('x', [2])))));
    const before = tensors();
    const label = 'The training step';
    const executable = await new TensorflowRuntime(failing).compile(broken, {
      label,
      remedy: 'lower --batch-size',
    });
    const run = executable.run({ x: drawn([2]) });
    await expect(run).rejects.toThrow(UserError);
    await expect(run).rejects.toThrow(
      'The training step does not fit the memory of device tensorflow: lower --batch-size.',
    );
    expect(tensors()).toBe(before);
    await executable.dispose();
  });

  it('for want of memory, for real', async () => {
    const side = 2 ** 20;
    const large = graphOf((g) => {
      const product = g.mul(g.feed('column', [side, 1]), g.feed('row', [1, side]));
      g.result('sum', g.reduceSum(product, [0, 1]));
    });
    const feeds = { column: new Float32Array(side), row: new Float32Array(side) };
    const failure = evaluate(large, feeds, tensorflow);
    await expect(failure).rejects.toThrow(
      'a test does not fit the memory of device tensorflow: use a smaller model.',
    );
  });
});

describe('training on TensorFlow', () => {
  const STEPS = 5;

  async function train(runtime: Runtime, config: TrainingConfig) {
    const stepper = await openStepper(runtime, config);
    const before = tensors();
    const results = await takeSteps(stepper, config, await batchesOf(config, STEPS));
    const grown = tensors() - before;
    await stepper.dispose();
    return { losses: results.map(({ loss }) => loss), grown };
  }

  // The preset's own batch of 32 takes that backend minutes.
  const { training, ...quick } = PRESETS.quick;
  const one = { ...training, batchSize: 1 };
  it.each([
    ['a tiny net', tinyConfig()],
    [
      'the preset quick',
      TrainingConfig.parse({ ...quick, dataset: 'digits', channels: 1, training: one }),
    ],
  ])(
    'of %s gives ONNX Runtime’s losses, and not a tensor more after five steps',
    { timeout: 180_000 },
    async (_, config) => {
      const before = tensors();
      const { losses, grown } = await train(tensorflow, config);
      expect(grown).toBe(0);
      expect(tensors()).toBe(before);
      const expected = (await train(cpu, config)).losses;
      expect(losses).toHaveLength(STEPS);
      losses.forEach((loss, i) => expect(Math.abs(loss - expected[i]!)).toBeLessThan(1e-4));
    },
  );
});
