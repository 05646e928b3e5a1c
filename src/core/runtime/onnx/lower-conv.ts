import type { ConvAttrs, Node, Pads } from '../../graph/ops';
import type { Shape } from '../../graph/shape';
import { sizeOf } from '../../graph/shape';
import {
  blockedConv,
  blockedKernels,
  blockedTurnedKernels,
  fitsBlocks,
} from './lower-conv-blocked';
import { weightGradOnGpu } from './lower-conv-gpu';
import type { LowerRule, LoweringContext } from './lowering';
import type { OnnxAttribute } from './model';

/**
 * Up to this many output pixels an image, the CPU provider is faster with columns (im2col) and one
 * matrix product an image than with `Conv`, which threads inside one image's product.
 */
const MOST_COLUMN_PIXELS = 200;

function convAttributes({ stride, pads }: ConvAttrs, kernel: Shape) {
  return { strides: [stride, stride], pads: [...pads], kernel_shape: [kernel[2]!, kernel[3]!] };
}

/**
 * A `Conv` node. ONNX Runtime's WebGPU provider (1.30) gives wrong results where the channels in are
 * a multiple of 3 but not of 4, other than 3 itself, and the channels out a multiple of 4: there the
 * images and kernels get channels of zeros up to the next multiple of 4.
 */
function convNode(
  c: LoweringContext,
  inputs: readonly string[],
  w: Shape,
  attributes: Readonly<Record<string, OnnxAttribute>>,
): string {
  const [out, channels] = w as [number, number];
  const affected = channels % 3 === 0 && channels % 4 !== 0 && channels !== 3 && out % 4 === 0;
  if (c.target !== 'gpu' || !affected) return c.emit('Conv', inputs, attributes);
  const ends = c.ints([0, 0, 0, 0, 0, 4 - (channels % 4), 0, 0]);
  const [x, kernels, ...bias] = inputs.map((name, i) =>
    i < 2 ? c.emit('Pad', [name, ends]) : name,
  );
  return c.emit('Conv', [x!, kernels!, ...bias], attributes);
}

/**
 * The columns of x: `[N, Ci, H, W]` → `[N, Ci·k², L]`, where L counts the output pixels. Built by a
 * grouped convolution with one-hot kernels, which the CPU provider runs on all threads.
 */
function columns(c: LoweringContext, x: string, xShape: Shape, w: Shape, out: Shape, a: ConvAttrs) {
  const [n, channels] = xShape as [number, number];
  const area = w[2]! * w[3]!;
  const pixels = out[2]! * out[3]!;
  if (area === 1 && a.stride === 1) return c.reshape(x, [n, channels, pixels]);
  const kernels = c.shared(`one-hot ${channels} ${w[2]} ${w[3]}`, () => {
    const data = new Float32Array(channels * area * area);
    for (let i = 0; i < channels * area; i++) data[i * area + (i % area)] = 1;
    return { shape: [channels * area, 1, w[2]!, w[3]!], data };
  });
  const taken = c.emit('Conv', [x, kernels], { ...convAttributes(a, w), group: channels });
  return c.reshape(taken, [n, channels * area, pixels]);
}

function usesColumns(w: Shape, out: Shape): boolean {
  return w[2]! * w[3]! === 1 || out[2]! * out[3]! <= MOST_COLUMN_PIXELS;
}

/** w `[Co, Ci, k, k]` → `[Ci, Co, k, k]` with each kernel turned by 180°. */
function turned(c: LoweringContext, w: string): string {
  const lowest = -(2 ** 31);
  const flipped = c.emit('Slice', [
    w,
    c.ints([-1, -1]),
    c.ints([lowest, lowest]),
    c.ints([2, 3]),
    c.ints([-1, -1]),
  ]);
  return c.emit('Transpose', [flipped], { perm: [1, 0, 2, 3] });
}

/** A product of matrices as it stands. */
function isPointwise(w: Shape, { stride }: ConvAttrs): boolean {
  return w[2]! * w[3]! === 1 && stride === 1;
}

function columnProduct(c: LoweringContext, w: string, wShape: Shape, cols: string) {
  const flat = c.reshape(w, [wShape[0]!, sizeOf(wShape.slice(1))]);
  return c.matmul(flat, cols, 2, 3);
}

export const lowerConv: LowerRule<'conv2d'> = (c, node, x) => {
  const [input, w] = node.inputs.map((t) => t.shape) as [Shape, Shape];
  const out = node.outputs[0]!.shape;
  // Constant kernels are packed once by the provider, whose own convolution is then the fastest.
  const packed = node.inputs[1]!.node.kind === 'constant';
  if (c.target !== 'cpu' || packed) return [convNode(c, x, w, convAttributes(node.attrs, w))];
  if (!isPointwise(w, node.attrs) && fitsBlocks(c, w[1]!, w[0]!)) {
    const kernels = { name: blockedKernels(c, { name: x[1]!, shape: w }), shape: w };
    return [blockedConv(c, x[0]!, kernels, x[2], node.attrs)];
  }
  if (!usesColumns(w, out)) return [convNode(c, x, w, convAttributes(node.attrs, w))];
  const cols = columns(c, x[0]!, input, w, out, node.attrs);
  const product = columnProduct(c, x[1]!, w, cols);
  const bias = x[2];
  const sum = bias ? c.emit('Add', [product, c.reshape(bias, [out[1]!, 1])]) : product;
  return [c.reshape(sum, out)];
};

/** dx is dy convolved with the turned kernels, where the stride is 1. */
function inputGradAsConv(c: LoweringContext, node: Node<'conv2dInputGrad'>, x: readonly string[]) {
  const [dy, w] = node.inputs.map((t) => t.shape) as [Shape, Shape];
  const { pads, shape } = node.attrs;
  const [kh, kw] = [w[2]! - 1, w[3]! - 1];
  const attrs: ConvAttrs = {
    stride: 1,
    pads: [kh - pads[0], kw - pads[1], kh - pads[2], kw - pads[3]],
  };
  const turnedShape = [w[1]!, w[0]!, w[2]!, w[3]!];
  if (
    !isPointwise(w, attrs) &&
    w[0]! % (c.channelBlock ?? 1) === 0 &&
    fitsBlocks(c, w[0]!, w[1]!)
  ) {
    const name = blockedTurnedKernels(c, { name: x[1]!, shape: w });
    return blockedConv(c, x[0]!, { name, shape: turnedShape }, undefined, attrs);
  }
  const kernels = turned(c, x[1]!);
  if (!usesColumns(w, shape)) {
    return c.emit('Conv', [x[0]!, kernels], convAttributes(attrs, turnedShape));
  }
  const cols = columns(c, x[0]!, dy, turnedShape, shape, attrs);
  return c.reshape(columnProduct(c, kernels, turnedShape, cols), shape);
}

export const lowerConvInputGrad: LowerRule<'conv2dInputGrad'> = (c, node, x) => {
  const [dy, w] = node.inputs.map((t) => t.shape) as [Shape, Shape];
  const { stride, pads, shape } = node.attrs;
  const reach = [w[2]! - 1 - pads[2], w[3]! - 1 - pads[3]];
  if (c.target === 'cpu' && stride === 1 && Math.min(...pads, ...reach) >= 0) {
    return [inputGradAsConv(c, node, x)];
  }
  const missing = (axis: 2 | 3) =>
    shape[axis]! + pads[axis - 2]! + pads[axis]! - ((dy[axis]! - 1) * stride + w[axis]!);
  const attributes = {
    ...convAttributes(node.attrs, w),
    output_padding: [missing(2), missing(3)],
  };
  return [c.emit('ConvTranspose', x, attributes)];
};

/**
 * The taps of kernels along one axis: `[N, C, H, W]` → `[N, C·k, H', W']`, where channel c·k + i is
 * channel c moved by tap i, or by tap k − 1 − i where they run `backwards`.
 */
function taps(
  c: LoweringContext,
  x: string,
  channels: number,
  kernel: readonly [number, number],
  pads: Pads,
  backwards: boolean,
): string {
  const count = kernel[0] * kernel[1];
  const kernels = c.shared(`taps ${channels} ${kernel.join()} ${backwards}`, () => {
    const data = new Float32Array(channels * count * count);
    for (let i = 0; i < channels * count; i++) {
      const tap = i % count;
      data[i * count + (backwards ? count - 1 - tap : tap)] = 1;
    }
    return { shape: [channels * count, 1, ...kernel], data };
  });
  const attributes = { kernel_shape: [...kernel], pads: [...pads], group: channels };
  return c.emit('Conv', [x, kernels], attributes);
}

/**
 * dw where the stride is 1: x moved along the height times dy moved along the width, so that of the
 * k² taps of a kernel each side makes only k. dw[ky, kx] = Σ dy[h, w − kx]·x[h + ky, w].
 */
function weightGradByTaps(
  c: LoweringContext,
  node: Node<'conv2dWeightGrad'>,
  x: readonly string[],
): string {
  const [input, dy] = node.inputs.map((t) => t.shape) as [Shape, Shape];
  const { shape, pads } = node.attrs;
  const [out, channels, kh, kw] = shape as [number, number, number, number];
  const n = input[0]!;
  const pixels = dy[2]! * input[3]!;
  const high = taps(c, x[0]!, channels, [kh, 1], [pads[0], 0, pads[2], 0], false);
  const wide = taps(c, x[1]!, out, [1, kw], [0, kw - 1 - pads[1], 0, kw - 1 - pads[3]], true);
  const rows = c.reshape(wide, [n, out * kw, pixels]);
  const columnsOfX = c.reshape(high, [n, channels * kh, pixels]);
  const product = productOverImages(c, rows, out * kw, columnsOfX, channels * kh, n, pixels);
  const split = c.reshape(product, [out, kw, channels * kh]);
  return c.reshape(c.emit('Transpose', [split], { perm: [0, 2, 1] }), shape);
}

/**
 * Σ over images and pixels of a `[N, A, L]` times b `[N, B, L]`: `[A, B]`. One product over all, where
 * bringing the images of a channel together costs less than a product of each image.
 */
function productOverImages(
  c: LoweringContext,
  a: string,
  rows: number,
  b: string,
  columns: number,
  n: number,
  pixels: number,
): string {
  if (rows * columns > (rows + columns) * pixels) {
    const joined = (x: string, height: number) =>
      c.reshape(c.emit('Transpose', [x], { perm: [1, 0, 2] }), [height, n * pixels]);
    return c.matmul(joined(a, rows), joined(b, columns), 2, 2, false, true);
  }
  const each = c.matmul(a, b, 3, 3, false, true);
  return c.matmul(c.filled(1, [1, n]), c.reshape(each, [n, rows * columns]), 2, 2);
}

/** dw as a matrix product of dy with the columns of x, summed over the images. */
function weightGradAsProduct(
  c: LoweringContext,
  node: Node<'conv2dWeightGrad'>,
  x: readonly string[],
): string {
  const [input, dy] = node.inputs.map((t) => t.shape) as [Shape, Shape];
  const w = node.attrs.shape;
  const [n, channels] = dy as [number, number];
  const length = sizeOf(w.slice(1));
  const cols = columns(c, x[0]!, input, w, dy, node.attrs);
  const pixels = dy[2]! * dy[3]!;
  const rows = c.reshape(x[1]!, [n, channels, pixels]);
  return c.reshape(productOverImages(c, rows, channels, cols, length, n, pixels), w);
}

/** dw as a convolution: the images become the channels, dy the kernels, the stride the dilation. */
function weightGradAsConv(
  c: LoweringContext,
  node: Node<'conv2dWeightGrad'>,
  x: readonly string[],
): string {
  const dy = node.inputs[1]!.shape;
  const { stride, pads, shape } = node.attrs;
  const swap = { perm: [1, 0, 2, 3] };
  const images = c.emit('Transpose', [x[0]!], swap);
  const kernels = c.emit('Transpose', [x[1]!], swap);
  const kernelShape = [dy[1]!, dy[0]!, dy[2]!, dy[3]!];
  const grown = convNode(c, [images, kernels], kernelShape, {
    dilations: [stride, stride],
    pads: [...pads],
    kernel_shape: [dy[2]!, dy[3]!],
  });
  const ends = c.ints([shape[2]!, shape[3]!]);
  const cropped = c.emit('Slice', [grown, c.ints([0, 0]), ends, c.ints([2, 3])]);
  return c.emit('Transpose', [stride === 1 ? grown : cropped], swap);
}

export const lowerConvWeightGrad: LowerRule<'conv2dWeightGrad'> = (c, node, x) => {
  if (c.target === 'gpu') return [weightGradOnGpu(c, node, [x[0]!, x[1]!])];
  if (c.target !== 'cpu') return [weightGradAsConv(c, node, x)];
  const { stride, pads, shape } = node.attrs;
  const reach = [shape[3]! - 1 - pads[1], shape[3]! - 1 - pads[3]];
  const byTaps = stride === 1 && shape[2]! * shape[3]! > 1 && Math.min(...reach) >= 0;
  return [(byTaps ? weightGradByTaps : weightGradAsProduct)(c, node, x)];
};
