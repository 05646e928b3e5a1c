import type { Graph, Node, OpKind, Tensor } from '../../graph/ops';
import { sizeOf, type Shape } from '../../graph/shape';
import { lowerConv, lowerConvInputGrad, lowerConvWeightGrad } from './lower-conv';
import { reduceSumOnGpu } from './lower-sum-gpu';
import { LoweringContext, type LowerRule, type LoweringTarget } from './lowering';
import { preciseCos, preciseSin } from './lower-trigonometry';
import type { OnnxModel, OnnxNode, OnnxValue } from './model';

/** Most inputs that a GPU provider's `Concat` binds at once (storage buffers a shader stage). */
const MOST_GPU_CONCAT_INPUTS = 6;

const elementwise =
  (opType: string): LowerRule<OpKind> =>
  (c, _, x) => [c.emit(opType, x)];

const reshape: LowerRule<'reshape'> = (c, node, x) => {
  const open = c.hasOpenBatch(node.outputs[0]!);
  return [c.reshape(x[0]!, open ? [-1, ...node.attrs.shape.slice(1)] : node.attrs.shape)];
};

function sumOverRows(c: LoweringContext, x: string, rows: number, rest: number): string {
  return c.matmul(c.filled(1, [1, rows]), c.reshape(x, [rows, rest]), 2, 2);
}

/** Beyond that many elements, a running float32 sum of all loses more than its last digit. */
const MOST_IN_ONE_SUM = 4096;

/** The sum of all elements, by rows first. */
function sumOfAll(c: LoweringContext, x: string, size: number): string {
  const sum = (part: string, axis: number) =>
    c.emit('ReduceSum', [part, c.ints([axis])], { keepdims: 0 });
  const flat = c.reshape(x, [size]);
  const width = 2 ** Math.ceil(Math.log2(size) / 2);
  const even = size - (size % width);
  const cut = (start: number, end: number) =>
    c.emit('Slice', [flat, c.ints([start]), c.ints([end]), c.ints([0])]);
  const rows = c.reshape(even === size ? flat : cut(0, even), [even / width, width]);
  const total = sum(sum(rows, 1), 0);
  return even === size ? total : c.emit('Add', [total, sum(cut(even, size), 0)]);
}

/**
 * The CPU provider reduces innermost axes fast and outermost ones slowly: it sums the first, and
 * multiplies a row of ones by what is left for the others. Its sum of all elements is a running one.
 */
const reduceSum: LowerRule<'reduceSum'> = (c, node, x) => {
  const shape = node.inputs[0]!.shape;
  const { axes, keepDims } = node.attrs;
  const leading = shape.findIndex((_, i) => !axes.includes(i));
  if (c.target === 'gpu') return [reduceSumOnGpu(c, node, x[0]!)];
  if (c.target === 'cpu' && leading < 0 && sizeOf(shape) > MOST_IN_ONE_SUM) {
    return [c.reshape(sumOfAll(c, x[0]!, sizeOf(shape)), node.outputs[0]!.shape)];
  }
  if (c.target !== 'cpu' || leading <= 0) {
    return [c.emit('ReduceSum', [x[0]!, c.ints(axes)], { keepdims: Number(keepDims) })];
  }
  const inner = axes.filter((axis) => axis >= leading);
  const innermost = inner.length
    ? c.emit('ReduceSum', [x[0]!, c.ints(inner)], { keepdims: 1 })
    : x[0]!;
  const rows = sizeOf(shape.slice(0, leading));
  const rest = sizeOf(shape.filter((_, i) => i >= leading && !axes.includes(i)));
  return [c.reshape(sumOverRows(c, innermost, rows, rest), node.outputs[0]!.shape)];
};

const concat: LowerRule<'concat'> = (c, node, x) => {
  let parts = [...x];
  const most = c.target === 'gpu' ? MOST_GPU_CONCAT_INPUTS : Infinity;
  while (parts.length > most) {
    const joined: string[] = [];
    for (let i = 0; i < parts.length; i += most) {
      const group = parts.slice(i, i + most);
      joined.push(group.length > 1 ? c.emit('Concat', group, node.attrs) : group[0]!);
    }
    parts = joined;
  }
  return [c.emit('Concat', parts, { axis: node.attrs.axis })];
};

const slice: LowerRule<'slice'> = (c, { attrs }, x) => [
  c.emit('Slice', [x[0]!, c.ints([attrs.start]), c.ints([attrs.end]), c.ints([attrs.axis])]),
];

const standardize: LowerRule<'standardize'> = (c, node, x) => {
  const length = node.inputs[0]!.shape[1]!;
  const [y, , invStd] = c.emitAll(
    'LayerNormalization',
    [x[0]!, c.filled(1, [length])],
    { axis: -1, epsilon: { float: node.attrs.eps } },
    { outputs: 3 },
  );
  return [y!, invStd!];
};

const upsampleNearest: LowerRule<'upsampleNearest'> = (c, _, x) => {
  const scales = c.shared('scales', () => ({ shape: [4], data: Float32Array.of(1, 1, 2, 2) }));
  const attributes = {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  };
  return [c.emit('Resize', [x[0]!, '', scales], attributes)];
};

const sumPool: LowerRule<'sumPool'> = (c, _, x) => {
  const mean = c.emit('AveragePool', [x[0]!], { kernel_shape: [2, 2], strides: [2, 2] });
  return [c.emit('Mul', [mean, c.filled(4, [])])];
};

/** How each operation is written in ONNX. */
export const LOWER: { readonly [K in OpKind]: LowerRule<K> } = {
  input: (_, node) => [node.attrs.name],
  constant: (c, node) => [c.shared(`constant of node ${node.id}`, () => node.attrs)],
  add: elementwise('Add'),
  sub: elementwise('Sub'),
  mul: elementwise('Mul'),
  div: elementwise('Div'),
  maximum: elementwise('Max'),
  minimum: elementwise('Min'),
  neg: elementwise('Neg'),
  exp: elementwise('Exp'),
  log: elementwise('Log'),
  sqrt: elementwise('Sqrt'),
  sin: (c, _, x) => [c.target === 'gpu' ? preciseSin(c, x[0]!) : c.emit('Sin', x)],
  cos: (c, _, x) => [c.target === 'gpu' ? preciseCos(c, x[0]!) : c.emit('Cos', x)],
  tanh: elementwise('Tanh'),
  sigmoid: elementwise('Sigmoid'),
  erf: elementwise('Erf'),
  softplus: elementwise('Softplus'),
  relu: elementwise('Relu'),
  silu: (c, _, x) => [c.emit('Mul', [x[0]!, c.emit('Sigmoid', x)])],
  matmul: (c, node, x) => {
    const [rankA, rankB] = node.inputs.map((t) => t.shape.length) as [number, number];
    const { transposeA, transposeB } = node.attrs;
    return [c.matmul(x[0]!, x[1]!, rankA, rankB, transposeA, transposeB)];
  },
  reduceSum,
  standardize,
  softmax: (c, _, x) => [c.emit('Softmax', x, { axis: -1 })],
  reshape,
  transpose: (c, node, x) => [c.emit('Transpose', x, { perm: node.attrs.perm })],
  broadcastTo: (c, node, x) => [c.emit('Expand', [x[0]!, c.ints(node.attrs.shape)])],
  concat,
  slice,
  pad: (c, node, x) => [
    c.emit('Pad', [x[0]!, c.ints([...node.attrs.before, ...node.attrs.after])]),
  ],
  conv2d: lowerConv,
  conv2dInputGrad: lowerConvInputGrad,
  conv2dWeightGrad: lowerConvWeightGrad,
  upsampleNearest,
  sumPool,
};

function lowerNode<K extends OpKind>(c: LoweringContext, node: Node<K>, names: readonly string[]) {
  c.enter(node.scope);
  return LOWER[node.kind](c, node, names);
}

/** The name in the ONNX model of the state output that replaces a state input. */
export function nextStateName(name: string): string {
  return `${name}.next`;
}

/** Tensors computed from a feed, whose first extent is then the batch or a multiple of it. */
function tensorsOfFeeds(graph: Graph): ReadonlySet<Tensor> {
  const open = new Set<Tensor>(
    graph.inputs.filter((input) => input.role === 'feed').map((input) => input.tensor),
  );
  for (const node of graph.nodes) {
    if (node.inputs.some((t) => open.has(t))) node.outputs.forEach((t) => open.add(t));
  }
  return open;
}

/**
 * The nodes, of which those that make an output give it its outer name, so that it is written in place.
 * What no node makes (an input, a constant), or is already another output, is copied.
 */
function withOutputs(
  nodes: readonly OnnxNode[],
  named: readonly (readonly [outer: string, inner: string])[],
): OnnxNode[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const outerNames = new Map<string, string>();
  const copies: OnnxNode[] = [];
  for (const [outer, inner] of named) {
    if (made.has(inner) && !outerNames.has(inner)) outerNames.set(inner, outer);
    else {
      const ends = { inputs: [inner], outputs: [outer] };
      copies.push({ opType: 'Identity', name: `output ${outer}`, ...ends, attributes: {} });
    }
  }
  const renamed = (names: readonly string[]) => names.map((name) => outerNames.get(name) ?? name);
  return [...nodes, ...copies].map((node) => ({
    ...node,
    inputs: renamed(node.inputs),
    outputs: renamed(node.outputs),
  }));
}

export interface LowerOptions {
  readonly target: LoweringTarget;
  /** Leaves the first extent of all feeds and results open, under this name. */
  readonly openBatch?: string;
  /** On the CPU: channels in a block of the provider's convolutions (`channelBlock`). */
  readonly channelBlock?: number | null;
}

/** Writes a graph as an ONNX model. */
export function lower(graph: Graph, options: LowerOptions): OnnxModel {
  const open: ReadonlySet<Tensor> = options.openBatch ? tensorsOfFeeds(graph) : new Set();
  const context = new LoweringContext(
    options.target,
    (tensor) => open.has(tensor),
    options.channelBlock,
  );
  const names = new Map<Tensor, string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((t) => names.get(t)!);
    const outputs = lowerNode(context, node, inputs);
    node.outputs.forEach((output, i) => names.set(output, outputs[i]!));
  }
  const extents = (tensor: Tensor, shape: Shape): OnnxValue['shape'] =>
    open.has(tensor) ? [options.openBatch!, ...shape.slice(1)] : shape;
  const named: [outer: string, inner: string][] = [];
  const outputs = graph.outputs.map(({ name, role, tensor }) => {
    const outer = role === 'state' ? nextStateName(name) : name;
    named.push([outer, names.get(tensor)!]);
    return { name: outer, shape: extents(tensor, tensor.shape) };
  });
  const inputs = graph.inputs.map(({ name, tensor }) => ({
    name,
    shape: extents(tensor, tensor.shape),
  }));
  const nodes = withOutputs(context.nodes, named);
  return { nodes, initializers: context.initializers, inputs, outputs };
}
