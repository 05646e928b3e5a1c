import type { Node } from '../../graph/ops';
import { sizeOf } from '../../graph/shape';
import type { LoweringContext } from './lowering';

/**
 * Sums on a GPU. ONNX Runtime's WebGPU provider (1.30) has two kernels for them. One sums a row with the
 * threads of one workgroup; where the axes are not the innermost, it first transposes all of its input.
 * The other gives each sum to one thread, which reads along the axis as it lies: it takes fewer than 32
 * terms and more than 1,024 sums. So rows are summed first, by many workgroups, and what is left, over
 * the images, in passes of fewer than 32 terms.
 */
const MOST_TERMS = 31;
const FEWEST_SUMS = 1025;

/** A row that one workgroup sums; longer ones keep one part of the GPU busy and the rest idle. */
const LONGEST_ROW = 4096;

/** A tensor whose transposition costs less than one more program does. */
const FEW_ELEMENTS = 2 ** 16;

function sum(c: LoweringContext, x: string, axis: number): string {
  return c.emit('ReduceSum', [x, c.ints([axis])], { keepdims: 0 });
}

/** The largest divisor of a number that is at most `most`. */
function divisor(of: number, most: number): number {
  for (let d = Math.min(of, most); d > 1; d--) if (of % d === 0) return d;
  return 1;
}

/** x `[rows, width]` → its sum over the rows, `[width]`. */
export function sumOverRowsOnGpu(
  c: LoweringContext,
  x: string,
  rows: number,
  width: number,
): string {
  const terms = divisor(rows, MOST_TERMS);
  if (rows <= MOST_TERMS || terms === 1 || width < FEWEST_SUMS) return sum(c, x, 0);
  const left = rows / terms;
  return sumOverRowsOnGpu(c, sum(c, c.reshape(x, [left, terms, width]), 1), left, width);
}

/** The sum of `[size]`, a scalar: of rows first, and then of their sums. */
function sumOfAllOnGpu(c: LoweringContext, x: string, size: number): string {
  if (size <= LONGEST_ROW) return sum(c, x, 0);
  const width = 2 ** Math.ceil(Math.log2(size) / 2);
  const even = size - (size % width);
  const cut = (start: number, end: number) =>
    c.emit('Slice', [x, c.ints([start]), c.ints([end]), c.ints([0])]);
  const rows = c.reshape(even === size ? x : cut(0, even), [even / width, width]);
  const total = sumOfAllOnGpu(c, sum(c, rows, 1), even / width);
  return even === size ? total : c.emit('Add', [total, sum(c, cut(even, size), 0)]);
}

/** A sum over any axes, in the shape that its node has. */
export function reduceSumOnGpu(c: LoweringContext, node: Node<'reduceSum'>, x: string): string {
  const shape = node.inputs[0]!.shape;
  const out = node.outputs[0]!.shape;
  const { axes, keepDims } = node.attrs;
  const leading = shape.findIndex((_, i) => !axes.includes(i));
  if (leading < 0)
    return c.reshape(sumOfAllOnGpu(c, c.reshape(x, [sizeOf(shape)]), sizeOf(shape)), out);
  const inner = axes.filter((axis) => axis >= leading);
  const few = inner.length > 0 && sizeOf(shape) <= FEW_ELEMENTS;
  if (leading === 0 || few) {
    return c.emit('ReduceSum', [x, c.ints(axes)], { keepdims: Number(keepDims) });
  }
  const rest = inner.length ? c.emit('ReduceSum', [x, c.ints(inner)], { keepdims: 1 }) : x;
  const rows = sizeOf(shape.slice(0, leading));
  const width = sizeOf(shape.filter((_, i) => i >= leading && !axes.includes(i)));
  return c.reshape(sumOverRowsOnGpu(c, c.reshape(rest, [rows, width]), rows, width), out);
}
