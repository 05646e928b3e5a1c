import type { ConvAttrs } from '../../graph/ops';
import { sizeOf, type Shape } from '../../graph/shape';
import type { LoweringContext } from './lowering';

/**
 * Convolutions on channels in blocks: `[N, C/b, H, W, b]`, where b is as many channels as a vector
 * register holds. ONNX Runtime's CPU provider uses them of itself where kernels are constant; here
 * kernels that change with each run are brought into their layout by the graph. They need no columns.
 */

/** Domain of ONNX Runtime's operators on blocks of channels. */
const BLOCKED = 'com.microsoft.nchwc';

/** Kernels as the rules of convolutions give them: the name of a tensor and its shape. */
export interface Kernels {
  readonly name: string;
  /** `[Co, Ci, kh, kw]` */
  readonly shape: Shape;
}

/** Whether a convolution between so many channels can run on blocks. */
export function fitsBlocks(c: LoweringContext, channelsIn: number, channelsOut: number): boolean {
  const block = c.channelBlock;
  if (block === null || channelsOut % block !== 0) return false;
  return channelsIn < block || channelsIn % block === 0;
}

function transposed(c: LoweringContext, x: string, shape: Shape, perm: readonly number[]): string {
  return c.emit('Transpose', [c.reshape(x, shape)], { perm });
}

/** `[Co, Ci, k, k]` → `[Co, k², Ci]`, from which both orders of kernels are made. */
function channelsLast(c: LoweringContext, { name, shape }: Kernels): string {
  const [out, channels] = shape as [number, number];
  return transposed(c, name, [out, channels, sizeOf(shape.slice(2))], [0, 2, 1]);
}

/**
 * `[Co, Ci, k, k]` → `[Co/b, Ci/b, k², b of Ci, b of Co]`, by transposes of large matrices and a move of
 * whole blocks: what the provider does slowly is to transpose many small matrices (such as those of k² by
 * b), or more than two axes at once. Fewer channels in than a block stay in their places.
 */
export function blockedKernels(c: LoweringContext, kernels: Kernels): string {
  const block = c.channelBlock!;
  const { name, shape } = kernels;
  const [out, channels] = shape as [number, number];
  const area = sizeOf(shape.slice(2));
  const innermost = (x: string) =>
    transposed(c, x, [out / block, block, channels * area], [0, 2, 1]);
  if (channels < block) return c.reshape(innermost(name), shape);
  const split = [out / block, area, channels / block, block * block];
  const blocks = transposed(c, innermost(channelsLast(c, kernels)), split, [0, 2, 1, 3]);
  return c.reshape(blocks, shape);
}

/**
 * The kernels of the gradient by the input: turned by 180°, with channels in and out exchanged, and
 * in blocks: `[Co, Ci, k, k]` → `[Ci/b, Co/b, k² from the last, b of Co, b of Ci]`.
 */
export function blockedTurnedKernels(c: LoweringContext, kernels: Kernels): string {
  const block = c.channelBlock!;
  const [out, channels, height, width] = kernels.shape as [number, number, number, number];
  const area = height * width;
  const inner = channelsLast(c, kernels);
  const backwards = c.ints(Array.from({ length: area }, (_, i) => area - 1 - i));
  const turned = area === 1 ? inner : c.emit('Gather', [inner, backwards], { axis: 1 });
  const split = [out / block, block, area, channels / block, block];
  return c.reshape(transposed(c, turned, split, [3, 0, 2, 1, 4]), [channels, out, height, width]);
}

/**
 * x `[N, Ci, H, W]` convolved on blocks of channels.
 *
 * @param kernels from {@link blockedKernels} or {@link blockedTurnedKernels}, with its shape
 * @returns `[N, Co, H', W']`, channels in their plain order
 */
export function blockedConv(
  c: LoweringContext,
  x: string,
  kernels: Kernels,
  bias: string | undefined,
  { stride, pads }: ConvAttrs,
): string {
  const [out, channels, height, width] = kernels.shape as [number, number, number, number];
  const plain = channels < c.channelBlock!;
  const images = plain ? x : c.emit('ReorderInput', [x], {}, BLOCKED);
  const attributes = {
    kernel_shape: [height, width],
    strides: [stride, stride],
    pads: [...pads],
    dilations: [1, 1],
    group: 1,
  };
  const inputs = [images, kernels.name, ...(bias ? [bias] : [])];
  const result = c.emit('Conv', inputs, attributes, BLOCKED);
  return c.emit('ReorderOutput', [result], { channels: out }, BLOCKED);
}
