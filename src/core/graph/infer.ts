import type { ConvAttrs, OpAttrs, OpKind } from './ops';
import { broadcastShapes, formatShape, sameShape, sizeOf, type Shape } from './shape';

/** A graph was put together wrongly: a fault of the program, not of its user. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
}

type InferRule<K extends OpKind> = (
  attrs: OpAttrs[K],
  inputs: readonly Shape[],
) => readonly Shape[];

function require(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new GraphError(complaint);
}

function arity(inputs: readonly Shape[], ...allowed: number[]): void {
  require(allowed.includes(inputs.length), `takes ${allowed.join(' or ')} inputs`);
}

function unary(_: unknown, inputs: readonly Shape[]): readonly Shape[] {
  arity(inputs, 1);
  return [inputs[0]!];
}

function binary(_: unknown, inputs: readonly Shape[]): readonly Shape[] {
  arity(inputs, 2);
  const shape = broadcastShapes(inputs[0]!, inputs[1]!);
  require(shape !== null, 'shapes do not broadcast');
  return [shape];
}

function image(shape: Shape): readonly [number, number, number, number] {
  require(shape.length === 4, 'needs an image tensor [N, C, H, W]');
  return shape as unknown as readonly [number, number, number, number];
}

/** Extents of a convolution's output. */
export function convOutput(height: number, width: number, kernel: Shape, attrs: ConvAttrs): Shape {
  const [top, left, bottom, right] = attrs.pads;
  return [
    Math.floor((height + top + bottom - kernel[2]!) / attrs.stride) + 1,
    Math.floor((width + left + right - kernel[3]!) / attrs.stride) + 1,
  ];
}

function inferConv(attrs: ConvAttrs, x: Shape, w: Shape): Shape {
  const [n, channels, height, width] = image(x);
  require(attrs.stride >= 1, 'stride is below 1');
  require(w.length === 4 && w[1] === channels, `kernel does not take ${channels} channels`);
  const [h, v] = convOutput(height, width, w, attrs);
  require(h! > 0 && v! > 0, 'kernel is larger than the padded image');
  return [n, w[0]!, h!, v!];
}

function inferMatmul(attrs: OpAttrs['matmul'], inputs: readonly Shape[]): readonly Shape[] {
  arity(inputs, 2);
  const [a, b] = inputs as [Shape, Shape];
  require(a.length >= 2 && b.length >= 2, 'needs matrices');
  const swap = (shape: Shape, transposed: boolean) =>
    transposed ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];
  const [rows, inner] = swap(a, attrs.transposeA);
  const [other, columns] = swap(b, attrs.transposeB);
  require(inner === other, 'inner extents differ');
  const batch = broadcastShapes(a.slice(0, -2), b.slice(0, -2));
  require(batch !== null, 'batch extents do not broadcast');
  return [[...batch, rows!, columns!]];
}

/** Shape inference, one rule an operation. A rule throws {@link GraphError} if shapes do not fit. */
export const INFER: { readonly [K in OpKind]: InferRule<K> } = {
  input: (attrs) => [attrs.shape],
  constant: (attrs) => {
    require(attrs.data.length === sizeOf(attrs.shape), 'data and shape differ in size');
    return [attrs.shape];
  },
  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  maximum: binary,
  minimum: binary,
  neg: unary,
  exp: unary,
  log: unary,
  sqrt: unary,
  sin: unary,
  cos: unary,
  tanh: unary,
  sigmoid: unary,
  erf: unary,
  softplus: unary,
  relu: unary,
  silu: unary,
  matmul: inferMatmul,
  reduceSum: (attrs, inputs) => {
    arity(inputs, 1);
    const shape = inputs[0]!;
    require(attrs.axes.every((axis) => axis >= 0 && axis < shape.length), 'axis out of range');
    const reduced = shape.map((extent, i) => (attrs.axes.includes(i) ? 1 : extent));
    return [attrs.keepDims ? reduced : reduced.filter((_, i) => !attrs.axes.includes(i))];
  },
  standardize: (_, inputs) => {
    arity(inputs, 1);
    require(inputs[0]!.length === 2, 'needs a matrix [R, L]');
    return [inputs[0]!, [inputs[0]![0]!, 1]];
  },
  softmax: unary,
  reshape: (attrs, inputs) => {
    arity(inputs, 1);
    require(sizeOf(attrs.shape) ===
      sizeOf(inputs[0]!), `cannot become ${formatShape(attrs.shape)}`);
    return [attrs.shape];
  },
  transpose: (attrs, inputs) => {
    arity(inputs, 1);
    const sorted = [...attrs.perm].sort((a, b) => a - b);
    require(sameShape(
      sorted,
      inputs[0]!.map((_, i) => i),
    ), 'perm is not a permutation of the axes');
    return [attrs.perm.map((axis) => inputs[0]![axis]!)];
  },
  broadcastTo: (attrs, inputs) => {
    arity(inputs, 1);
    const shape = broadcastShapes(inputs[0]!, attrs.shape);
    require(shape !== null && sameShape(shape, attrs.shape), 'does not broadcast to that shape');
    return [attrs.shape];
  },
  concat: (attrs, inputs) => {
    require(inputs.length > 0, 'needs an input');
    const others = (shape: Shape) => shape.filter((_, i) => i !== attrs.axis);
    const first = inputs[0]!;
    require(first[attrs.axis] !== undefined, 'axis out of range');
    require(inputs.every(
      (s) => s.length === first.length && sameShape(others(s), others(first)),
    ), 'inputs differ in another axis than the one they are joined along');
    const total = inputs.reduce((sum, shape) => sum + shape[attrs.axis]!, 0);
    return [first.map((extent, i) => (i === attrs.axis ? total : extent))];
  },
  slice: (attrs, inputs) => {
    arity(inputs, 1);
    const extent = inputs[0]![attrs.axis] ?? 0;
    require(attrs.start >= 0 && attrs.start < attrs.end && attrs.end <= extent, 'out of range');
    return [inputs[0]!.map((e, i) => (i === attrs.axis ? attrs.end - attrs.start : e))];
  },
  pad: (attrs, inputs) => {
    arity(inputs, 1);
    const ends = [attrs.before, attrs.after];
    require(ends.every(
      (end) => end.length === inputs[0]!.length && end.every((count) => count >= 0),
    ), 'needs a count from 0 on for each end of each axis');
    return [inputs[0]!.map((extent, i) => extent + attrs.before[i]! + attrs.after[i]!)];
  },
  conv2d: (attrs, inputs) => {
    arity(inputs, 2, 3);
    const out = inferConv(attrs, inputs[0]!, inputs[1]!);
    const bias = inputs[2];
    require(!bias || sameShape(bias, [out[1]!]), 'bias does not have one element a channel');
    return [out];
  },
  conv2dInputGrad: (attrs, inputs) => {
    arity(inputs, 2);
    const out = inferConv(attrs, attrs.shape, inputs[1]!);
    require(sameShape(out, inputs[0]!), `dy is not of shape ${formatShape(out)}`);
    return [attrs.shape];
  },
  conv2dWeightGrad: (attrs, inputs) => {
    arity(inputs, 2);
    const out = inferConv(attrs, inputs[0]!, attrs.shape);
    require(sameShape(out, inputs[1]!), `dy is not of shape ${formatShape(out)}`);
    return [attrs.shape];
  },
  upsampleNearest: (_, inputs) => {
    arity(inputs, 1);
    const [n, c, h, w] = image(inputs[0]!);
    return [[n, c, h * 2, w * 2]];
  },
  sumPool: (_, inputs) => {
    arity(inputs, 1);
    const [n, c, h, w] = image(inputs[0]!);
    require(h % 2 === 0 && w % 2 === 0, 'needs even extents');
    return [[n, c, h / 2, w / 2]];
  },
};

function isExtent(extent: number): boolean {
  return Number.isSafeInteger(extent) && extent > 0;
}

/** The output shapes of a node; the error names the node, its operation and its shapes. */
export function inferShapes<K extends OpKind>(
  kind: K,
  attrs: OpAttrs[K],
  inputs: readonly Shape[],
  scope = '',
): readonly Shape[] {
  try {
    const outputs = INFER[kind](attrs, inputs);
    require(outputs.flat().every(isExtent), 'extents must be whole numbers from 1 on');
    return outputs;
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    const where = scope ? ` in ${scope}` : '';
    const of = inputs.length > 0 ? ` of ${inputs.map(formatShape).join(', ')}` : '';
    throw new GraphError(`${kind}${where}${of}: ${error.message}`);
  }
}
