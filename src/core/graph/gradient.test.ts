import { describe, expect, it } from 'vitest';
import { gradientError, type Body } from '../../../test/support/finite-differences';
import { between, drawn, evaluate, graphOf } from '../../../test/support/values';
import { activation, ACTIVATIONS, attention, groupNorm } from '../nn/layers';
import type { HostTensor } from '../runtime/runtime';
import { GraphBuilder } from './builder';
import { gradients } from './gradient';
import { GraphError } from './infer';
import type { OpKind } from './ops';
import type { Shape } from './shape';

interface Check {
  readonly body: Body;
  readonly inputs: readonly HostTensor[];
}

const TOLERANCE = 1e-4;

const normal = (shape: Shape, index = 0): HostTensor => ({ shape, data: drawn(shape, index) });
const positive = (shape: Shape, index = 0): HostTensor => {
  return { shape, data: between(0.5, 2, shape, index) };
};
/** Numbers that a difference does not carry over 0. */
const awayFromZero = (shape: Shape): HostTensor => {
  return { shape, data: drawn(shape).map((x) => x + Math.sign(x) * 0.1) };
};

const unary = (kind: 'neg' | 'exp' | 'sin' | 'cos' | 'tanh' | 'sigmoid' | 'erf' | 'softplus') => [
  { body: ((g, [x]) => g[kind](x!)) satisfies Body, inputs: [normal([3, 5])] },
];

/** A scalar, a row, a column and a tensor of lower rank against a matrix. */
const broadcasting = (kind: 'add' | 'sub' | 'mul' | 'div'): Check[] =>
  (
    [
      [[3, 4], []],
      [
        [3, 4],
        [1, 4],
      ],
      [
        [3, 1],
        [2, 3, 4],
      ],
      [[4], [3, 4]],
    ] as const
  ).map(([a, b]) => ({
    body: (g, x) => g[kind](x[0]!, x[1]!),
    inputs: [normal(a), positive(b, 1)],
  }));

const conv = (stride: number, pads: readonly [number, number, number, number], side = 5): Check => {
  return {
    body: (g, [x, w, b]) => g.conv2d(x!, w!, b!, { stride, pads }),
    inputs: [normal([2, 3, side, side]), normal([4, 3, 3, 3], 1), normal([4], 2)],
  };
};

const matmul = (a: Shape, b: Shape, ta: boolean, tb: boolean): Check => {
  return {
    body: (g, x) => g.matmul(x[0]!, x[1]!, ta, tb),
    inputs: [normal(a), normal(b, 1)],
  };
};

/** How each operation is checked; or the message with which it refuses. */
const CHECKS: Readonly<Record<OpKind, readonly Check[] | RegExp>> = {
  input: [{ body: (_, [x]) => x!, inputs: [normal([2, 3])] }],
  constant: [{ body: (g, [x]) => g.mul(x!, g.constant([1, -2])), inputs: [normal([3, 2])] }],
  add: broadcasting('add'),
  sub: broadcasting('sub'),
  mul: broadcasting('mul'),
  div: broadcasting('div'),
  maximum: /no gradient through maximum in the limit: used outside/,
  minimum: /no gradient through minimum in the limit: used outside/,
  neg: unary('neg'),
  exp: unary('exp'),
  log: [{ body: (g, [x]) => g.log(x!), inputs: [positive([3, 5])] }],
  sqrt: [{ body: (g, [x]) => g.sqrt(x!), inputs: [positive([3, 5])] }],
  sin: unary('sin'),
  cos: unary('cos'),
  tanh: unary('tanh'),
  sigmoid: unary('sigmoid'),
  erf: unary('erf'),
  softplus: unary('softplus'),
  relu: [{ body: (g, [x]) => g.relu(x!), inputs: [awayFromZero([4, 6])] }],
  silu: [{ body: (g, [x]) => g.silu(x!), inputs: [normal([3, 5])] }],
  matmul: [
    matmul([2, 3], [3, 4], false, false),
    matmul([3, 2], [3, 4], true, false),
    matmul([2, 3], [4, 3], false, true),
    matmul([3, 2], [4, 3], true, true),
    matmul([2, 2, 3], [3, 4], false, false),
    matmul([3, 2], [2, 3, 4], true, false),
    matmul([2, 1, 2, 3], [3, 4, 3], false, true),
  ],
  reduceSum: [
    { body: (g, [x]) => g.reduceSum(x!, [1]), inputs: [normal([2, 3, 4])] },
    { body: (g, [x]) => g.reduceSum(x!, [0, 2], true), inputs: [normal([2, 3, 4])] },
    { body: (g, [x]) => g.reduceSum(x!, [0, 1, 2]), inputs: [normal([2, 3, 4])] },
    { body: (g, [x]) => g.reduceMean(x!, [0, 1]), inputs: [normal([2, 3, 4])] },
  ],
  standardize: [{ body: (g, [x]) => g.standardize(x!, 1e-5)[0], inputs: [normal([3, 8])] }],
  softmax: [{ body: (g, [x]) => g.softmax(x!), inputs: [normal([2, 3, 4])] }],
  reshape: [{ body: (g, [x]) => g.reshape(x!, [4, 6]), inputs: [normal([2, 3, 4])] }],
  transpose: [{ body: (g, [x]) => g.transpose(x!, [2, 0, 1]), inputs: [normal([2, 3, 4])] }],
  broadcastTo: [{ body: (g, [x]) => g.broadcastTo(x!, [2, 3, 4]), inputs: [normal([3, 1])] }],
  concat: [
    {
      body: (g, x) => g.concat(x, 1),
      inputs: [normal([2, 1, 2]), normal([2, 3, 2], 1), normal([2, 2, 2], 2)],
    },
  ],
  slice: [{ body: (g, [x]) => g.slice(x!, 1, 1, 3), inputs: [normal([2, 4, 2])] }],
  pad: [{ body: (g, [x]) => g.pad(x!, [0, 1], [2, 3]), inputs: [normal([3, 4])] }],
  conv2d: [
    conv(1, [1, 1, 1, 1]),
    conv(2, [1, 1, 1, 1]),
    conv(2, [0, 0, 1, 1], 6),
    conv(1, [0, 0, 0, 0]),
    conv(1, [1, 1, 1, 1], 18),
    {
      body: (g, [x, w]) => g.conv2d(x!, w!, null, { stride: 1, pads: [0, 0, 0, 0] }),
      inputs: [normal([2, 3, 4, 4]), normal([2, 3, 1, 1], 1)],
    },
  ],
  conv2dInputGrad: /no gradient through conv2dInputGrad in the limit: .*second order/,
  conv2dWeightGrad: /no gradient through conv2dWeightGrad in the limit: .*second order/,
  upsampleNearest: [{ body: (g, [x]) => g.upsampleNearest(x!), inputs: [normal([2, 2, 3, 2])] }],
  sumPool: [{ body: (g, [x]) => g.sumPool(x!), inputs: [normal([2, 2, 4, 6])] }],
};

const ATTRS = { stride: 1, pads: [1, 1, 1, 1] } as const;
const REFUSED: Partial<Record<OpKind, Body>> = {
  maximum: (g, [x]) => g.maximum(x!, 0),
  minimum: (g, [x]) => g.minimum(x!, 0),
  conv2dInputGrad: (g, [x]) => g.conv2dInputGrad(x!, x!, [2, 2, 3, 3], ATTRS),
  conv2dWeightGrad: (g, [x]) => g.conv2dWeightGrad(x!, x!, [2, 2, 3, 3], ATTRS),
};

describe('gradients against finite differences', () => {
  const checks = Object.entries(CHECKS).flatMap(([kind, list]) =>
    list instanceof RegExp ? [] : list.map((check, number) => ({ kind, number, ...check })),
  );
  it.each(checks)('$kind $number', async ({ body, inputs }) => {
    expect(await gradientError(body, inputs)).toBeLessThan(TOLERANCE);
  });

  it.each(ACTIVATIONS)('activation %s', async (kind) => {
    const inputs = [awayFromZero([4, 6])];
    expect(await gradientError((g, [x]) => activation(g, kind, x!), inputs)).toBeLessThan(
      TOLERANCE,
    );
  });

  it('group normalisation, by image, gain and bias', async () => {
    const body: Body = (g, [x, gain, bias]) => groupNorm(g, x!, gain!, bias!, 2, 1e-5);
    const inputs = [normal([2, 4, 3, 3]), normal([4], 1), normal([4], 2)];
    expect(await gradientError(body, inputs)).toBeLessThan(TOLERANCE);
  });

  it('attention, by queries, keys and values', async () => {
    const body: Body = (g, [q, k, v]) => attention(g, q!, k!, v!, 2);
    const inputs = [0, 1, 2].map((index) => normal([2, 3, 4], index));
    expect(await gradientError(body, inputs)).toBeLessThan(TOLERANCE);
  });

  it('a parameter that is used several times', async () => {
    const body: Body = (g, [x]) => {
      const twice = g.matmul(x!, g.tanh(x!));
      return g.add(g.matmul(twice, x!, true), g.mul(x!, x!));
    };
    expect(await gradientError(body, [normal([3, 3])])).toBeLessThan(TOLERANCE);
  });

  it('a chain of layers with a skip connection', async () => {
    const body: Body = (g, [x, w]) => {
      const h = g.silu(g.conv2d(x!, w!, null, ATTRS));
      const down = g.sumPool(g.concat([h, x!], 1));
      return g.mul(g.upsampleNearest(g.slice(down, 1, 1, 3)), h);
    };
    const inputs = [normal([1, 2, 4, 4]), normal([2, 2, 3, 3], 1)];
    expect(await gradientError(body, inputs)).toBeLessThan(TOLERANCE);
  });
});

describe('gradients', () => {
  it.each(Object.entries(REFUSED))('through %s are refused by name', (kind, body) => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 2, 3, 3]);
    const y = g.scope('the limit', () => body(g, [x]));
    const loss = g.reduceSum(g.flatten(y), [0]);
    expect(() => gradients(g, loss, [x])).toThrow(GraphError);
    expect(() => gradients(g, loss, [x])).toThrow(CHECKS[kind as OpKind] as RegExp);
  });

  it('pass an operation without gradient that no target goes through', async () => {
    const graph = graphOf((g) => {
      const x = g.feed('x', [2]);
      const limit = g.maximum(g.feed('y', [2]), 0);
      g.result('dx', gradients(g, g.reduceSum(g.mul(x, limit), [0]), [x])[0]!);
    });
    const { dx } = await evaluate(graph, { x: Float32Array.of(1, 2), y: Float32Array.of(-3, 4) });
    expect([...dx!]).toEqual([0, 4]);
  });

  it('are zeros for a target that the loss does not depend on', async () => {
    const graph = graphOf((g) => {
      const [x, other] = [g.feed('x', [2]), g.feed('other', [2, 3])];
      g.result('unused', g.exp(other));
      const [dx, none] = gradients(g, g.reduceSum(x, [0]), [x, other]);
      g.result('dx', dx!);
      g.result('none', none!);
    });
    expect(graph.outputs[2]!.tensor.shape).toEqual([2, 3]);
    const { dx, none } = await evaluate(graph, { x: drawn([2]), other: drawn([2, 3]) });
    expect([...dx!]).toEqual([1, 1]);
    expect([...none!]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('of the loss by itself, and by a tensor on the way, are right', async () => {
    const graph = graphOf((g) => {
      const x = g.feed('x', [2]);
      const square = g.square(x);
      const loss = g.reduceSum(g.mul(square, 3), [0]);
      gradients(g, loss, [loss, square, x]).forEach((d, i) => g.result(`d${i}`, d));
    });
    const { d0, d1, d2 } = await evaluate(graph, { x: Float32Array.of(1, -2) });
    expect([d0, d1, d2].map((d) => [...d!])).toEqual([[1], [3, 3], [6, -12]]);
  });

  it('need a scalar loss', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [1]);
    expect(() => gradients(g, g.exp(x), [x])).toThrow(/need a scalar loss/);
  });

  it('refuse the second output of an operation rather than leave it out', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 4]);
    const [, invStd] = g.scope('norm', () => g.standardize(x, 1e-5));
    expect(() => gradients(g, g.reduceSum(invStd, [0, 1]), [x])).toThrow(
      /no gradient through standardize in norm by any but its first output/,
    );
  });

  it('name the part of the model that they belong to', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2]);
    const y = g.scope('down_blocks.0', () => g.exp(x));
    const [dx] = gradients(g, g.reduceSum(y, [0]), [x]);
    expect(dx!.node.scope).toBe('gradient of down_blocks.0');
  });
});
