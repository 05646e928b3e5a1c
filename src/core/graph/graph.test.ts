import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './builder';
import { GraphError, INFER } from './infer';
import type { Graph, Node, OpAttrs, OpKind, Tensor } from './ops';
import { broadcastShapes, type Shape } from './shape';
import { verify } from './verify';

const CONV = { stride: 1, pads: [1, 1, 1, 1] } as const;

interface Wrong {
  readonly what: string;
  readonly kind: OpKind;
  readonly attrs: OpAttrs[OpKind];
  readonly shapes: readonly Shape[];
  readonly complaint: string;
}

const wrong = <K extends OpKind>(
  what: string,
  kind: K,
  attrs: OpAttrs[K],
  shapes: readonly Shape[],
  complaint: string,
): Wrong => ({ what, kind, attrs, shapes, complaint });

const MATMUL = { transposeA: false, transposeB: false };
const WHOLE = 'extents must be whole numbers from 1 on';
const PAD = 'needs a count from 0 on for each end of each axis';

/** Operations that do not fit their inputs, and what is said of them after the shapes. */
const WRONG: readonly Wrong[] = [
  wrong('no extent', 'input', { name: 'x', shape: [2, 0] }, [], WHOLE),
  wrong('half an extent', 'input', { name: 'x', shape: [2.5] }, [], WHOLE),
  wrong(
    'data of another size',
    'constant',
    { data: new Float32Array(3), shape: [2] },
    [],
    'data and shape differ in size',
  ),
  wrong('shapes that do not broadcast', 'add', {}, [[2, 3], [4]], 'shapes do not broadcast'),
  wrong('one operand', 'mul', {}, [[2]], 'takes 2 inputs'),
  wrong('two operands', 'exp', {}, [[2], [2]], 'takes 1 inputs'),
  wrong('a vector', 'matmul', MATMUL, [[3], [3, 4]], 'needs matrices'),
  wrong(
    'inner extents',
    'matmul',
    MATMUL,
    [
      [2, 3],
      [4, 5],
    ],
    'inner extents differ',
  ),
  wrong(
    'inner extents, transposed',
    'matmul',
    { transposeA: true, transposeB: false },
    [
      [2, 3],
      [3, 5],
    ],
    'inner extents differ',
  ),
  wrong(
    'stacks of matrices',
    'matmul',
    MATMUL,
    [
      [2, 2, 3],
      [3, 3, 4],
    ],
    'batch extents do not broadcast',
  ),
  wrong('no such axis', 'reduceSum', { axes: [2], keepDims: false }, [[2, 3]], 'axis out of range'),
  wrong('three axes', 'standardize', { eps: 1 }, [[2, 3, 4]], 'needs a matrix [R, L]'),
  wrong('another size', 'reshape', { shape: [5] }, [[2, 3]], 'cannot become [5]'),
  wrong(
    'an axis twice',
    'transpose',
    { perm: [0, 0] },
    [[2, 3]],
    'perm is not a permutation of the axes',
  ),
  wrong('a smaller shape', 'broadcastTo', { shape: [3] }, [[2, 3]], 'does not broadcast to that'),
  wrong(
    'parts that differ',
    'concat',
    { axis: 0 },
    [
      [2, 3],
      [2, 4],
    ],
    'inputs differ in another',
  ),
  wrong(
    'an axis too far',
    'concat',
    { axis: 2 },
    [
      [2, 3],
      [2, 3],
    ],
    'axis out of range',
  ),
  wrong('an end too far', 'slice', { axis: 1, start: 0, end: 4 }, [[2, 3]], 'out of range'),
  wrong('nothing', 'slice', { axis: 0, start: 1, end: 1 }, [[2, 3]], 'out of range'),
  wrong('an axis that is not there', 'slice', { axis: 2, start: 0, end: 1 }, [[2, 3]], 'out of'),
  wrong('too few ends', 'pad', { before: [1], after: [1, 1] }, [[2, 3]], PAD),
  wrong('a negative end', 'pad', { before: [-1, 0], after: [0, 0] }, [[2, 3]], PAD),
  wrong(
    'no image',
    'conv2d',
    CONV,
    [
      [3, 8, 8],
      [4, 3, 3, 3],
    ],
    'needs an image tensor',
  ),
  wrong(
    'other channels',
    'conv2d',
    CONV,
    [
      [1, 2, 8, 8],
      [4, 3, 3, 3],
    ],
    'kernel does not take 2 channels',
  ),
  wrong(
    'a large kernel',
    'conv2d',
    { stride: 1, pads: [0, 0, 0, 0] },
    [
      [1, 3, 2, 2],
      [4, 3, 3, 3],
    ],
    'kernel is larger than the padded image',
  ),
  wrong(
    'no stride',
    'conv2d',
    { ...CONV, stride: 0 },
    [
      [1, 3, 8, 8],
      [4, 3, 3, 3],
    ],
    'stride is below 1',
  ),
  wrong(
    'a long bias',
    'conv2d',
    CONV,
    [[1, 3, 8, 8], [4, 3, 3, 3], [5]],
    'bias does not have one element a channel',
  ),
  wrong(
    'another dy',
    'conv2dInputGrad',
    { ...CONV, shape: [1, 3, 8, 8] },
    [
      [1, 4, 7, 8],
      [4, 3, 3, 3],
    ],
    'dy is not of shape [1, 4, 8, 8]',
  ),
  wrong(
    'another dy',
    'conv2dWeightGrad',
    { ...CONV, shape: [4, 3, 3, 3] },
    [
      [1, 3, 8, 8],
      [1, 4, 8, 9],
    ],
    'dy is not of shape [1, 4, 8, 8]',
  ),
  wrong('no image', 'upsampleNearest', {}, [[4, 4]], 'needs an image tensor [N, C, H, W]'),
  wrong('odd extents', 'sumPool', {}, [[1, 2, 3, 4]], 'needs even extents'),
];

describe('shape inference', () => {
  it.each(WRONG)('$kind refuses $what', ({ kind, attrs, shapes, complaint }) => {
    const g = new GraphBuilder();
    const inputs = shapes.map((shape, i) => g.feed(`x${i}`, shape));
    const of = shapes.length > 0 ? ` of ${shapes.map((s) => `[${s.join(', ')}]`).join(', ')}` : '';
    const add = () => g.scope('down', () => g.scope('conv1', () => g.apply(kind, attrs, inputs)));
    expect(add).toThrow(GraphError);
    expect(add).toThrow(`${kind} in down.conv1${of}: ${complaint}`);
  });

  it.each([
    [
      'conv2d',
      { stride: 2, pads: [1, 1, 1, 1] },
      [
        [2, 3, 9, 8],
        [4, 3, 3, 3],
      ],
      [[2, 4, 5, 4]],
    ],
    [
      'conv2d',
      { stride: 2, pads: [0, 0, 1, 1] },
      [
        [2, 3, 8, 6],
        [4, 3, 3, 3],
      ],
      [[2, 4, 4, 3]],
    ],
    [
      'matmul',
      { transposeA: true, transposeB: true },
      [
        [5, 1, 3, 2],
        [7, 4, 3],
      ],
      [[5, 7, 2, 4]],
    ],
    ['reduceSum', { axes: [0, 2], keepDims: false }, [[2, 3, 4]], [[3]]],
    ['reduceSum', { axes: [0, 2], keepDims: true }, [[2, 3, 4]], [[1, 3, 1]]],
    [
      'standardize',
      { eps: 1e-5 },
      [[2, 3]],
      [
        [2, 3],
        [2, 1],
      ],
    ],
    ['transpose', { perm: [2, 0, 1] }, [[2, 3, 4]], [[4, 2, 3]]],
    [
      'concat',
      { axis: 1 },
      [
        [2, 3, 4],
        [2, 5, 4],
      ],
      [[2, 8, 4]],
    ],
    ['pad', { before: [0, 1], after: [2, 3] }, [[2, 3]], [[4, 7]]],
    ['upsampleNearest', {}, [[1, 2, 3, 4]], [[1, 2, 6, 8]]],
    ['sumPool', {}, [[1, 2, 6, 4]], [[1, 2, 3, 2]]],
  ] as const)('%s %j of %j is %j', (kind, attrs, shapes, expected) => {
    const rule = INFER[kind] as (a: object, s: readonly Shape[]) => readonly Shape[];
    expect(rule(attrs, shapes)).toEqual(expected);
  });

  it.each([
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [1, 4],
      [2, 4],
    ],
    [[], [2], [2]],
    [[2], [3], null],
    [[2, 3], [2], null],
  ])('%j and %j broadcast to %j', (a, b, expected) => {
    expect(broadcastShapes(a, b)).toEqual(expected);
    expect(broadcastShapes(b, a)).toEqual(expected);
  });
});

describe('GraphBuilder', () => {
  it('names nodes after the scopes around them, also when one throws', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2]);
    const y = g.scope('up', () => g.scope('conv', () => g.exp(x)));
    const broken = () => {
      g.scope('broken', () => {
        throw new Error('out');
      });
    };
    expect(broken).toThrow('out');
    expect([x, y, g.exp(x)].map((t) => t.node.scope)).toEqual(['', 'up.conv', '']);
  });

  it('adds nothing for an operation that changes nothing', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 3]);
    expect(g.reshape(x, [2, 3])).toBe(x);
    expect(g.broadcastTo(x, [2, 3])).toBe(x);
    expect(g.sumTo(x, [2, 3])).toBe(x);
    expect(g.reduceSum(x, [])).toBe(x);
    expect(g.slice(x, 1, 0, 3)).toBe(x);
    expect(g.concat([x], 0)).toBe(x);
  });

  it('sums back to what was broadcast', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 3, 4]);
    for (const shape of [[], [4], [3, 1], [1, 3, 1], [2, 1, 4]]) {
      expect(g.sumTo(x, shape).shape).toEqual(shape);
    }
  });
});

/** A graph as it is, with some of it changed. */
function changed(change: (graph: Graph, y: Node) => Partial<Graph>): Graph {
  const g = new GraphBuilder();
  const y = g.scope('head', () => g.exp(g.add(g.feed('x', [2, 3]), g.state('w', [3]))));
  g.result('y', y);
  g.nextState('w', g.reduceSum(y, [0]));
  const graph = g.build();
  return { ...graph, ...change(graph, y.node) };
}

const foreign: Tensor = new GraphBuilder().feed('foreign', [2, 3]);

describe('verify', () => {
  it('accepts what the builder makes', () => {
    expect(() => verify(changed(() => ({})))).not.toThrow();
  });

  it.each<[string, Graph, string]>([
    [
      'a node that reads a later one',
      changed((graph) => ({ nodes: [...graph.nodes].reverse() })),
      'node 4 (reduceSum) reads node 3 (exp in head), which comes later',
    ],
    [
      'a node of another graph',
      changed((graph, y) => ({
        nodes: graph.nodes.map((node) => (node === y ? { ...y, inputs: [foreign] } : node)),
      })),
      'node 3 (exp in head) reads node 0 (input), which comes later',
    ],
    [
      'a shape that is not the inferred one',
      changed((graph, y) => ({
        nodes: graph.nodes.map((node) =>
          node === y ? { ...y, outputs: [{ ...y.outputs[0]!, shape: [3, 2] }] } : node,
        ),
      })),
      'node 3 (exp in head) has [3, 2], not [2, 3]',
    ],
    [
      'two inputs of one name',
      changed((graph) => ({ inputs: graph.inputs.map((input) => ({ ...input, name: 'x' })) })),
      'two inputs are named x',
    ],
    [
      'two outputs of one name',
      changed((graph) => ({ outputs: [graph.outputs[0]!, graph.outputs[0]!] })),
      'two outputs are named y',
    ],
    [
      'an input of another graph',
      changed((graph) => ({
        inputs: [{ name: 'f', role: 'feed', tensor: foreign }, ...graph.inputs],
      })),
      'input f is not in the graph',
    ],
    [
      'an output of another graph',
      changed(() => ({ outputs: [{ name: 'f', role: 'result', tensor: foreign }] })),
      'output f is not in the graph',
    ],
    [
      'a result named as an input',
      changed((graph) => ({ outputs: [{ ...graph.outputs[0]!, name: 'x' }] })),
      'result x has the name of an input',
    ],
    [
      'a next state without a state',
      changed((graph) => ({ outputs: [{ ...graph.outputs[1]!, name: 'v' }] })),
      'output v [3] replaces no state of that name and shape',
    ],
    [
      'a next state of another shape',
      changed((_, y) => ({ outputs: [{ name: 'w', role: 'state', tensor: y.outputs[0]! }] })),
      'output w [2, 3] replaces no state of that name and shape',
    ],
    [
      'a next state for a feed',
      changed((_, y) => ({ outputs: [{ name: 'x', role: 'state', tensor: y.outputs[0]! }] })),
      'output x [2, 3] replaces no state of that name and shape',
    ],
  ])('refuses %s', (_, graph, message) => {
    expect(() => verify(graph)).toThrow(GraphError);
    expect(() => verify(graph)).toThrow(message);
  });
});
