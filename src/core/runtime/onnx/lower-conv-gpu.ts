import type { Node } from '../../graph/ops';
import { sizeOf, type Shape } from '../../graph/shape';
import { sumOverRowsOnGpu } from './lower-sum-gpu';
import type { LoweringContext } from './lowering';

/** What every WebGPU device can bind as one buffer, in bytes (`maxStorageBufferBindingSize`). */
const LARGEST_BUFFER = 2 ** 27;

/** Kernel taps of the columns of one channel: those of the kernel, and zeros up to a multiple of 4. */
function paddedTaps(area: number): number {
  return 4 * Math.ceil(area / 4);
}

/**
 * The columns of x as rows: `[N, Ci, H, W]` → `[N, L, Ci·taps]`, where L counts the output pixels. A
 * grouped convolution with one-hot kernels makes them. The provider computes four channels of its
 * output at once and takes them to be of one group, hence the taps of zeros. It has its channels last,
 * so that the transposition costs nothing.
 */
function pixelRows(
  c: LoweringContext,
  x: string,
  [n, channels]: readonly [number, number],
  node: Node<'conv2dWeightGrad'>,
): string {
  const [, , kh, kw] = node.attrs.shape as [number, number, number, number];
  const [, , height, width] = node.inputs[1]!.shape as [number, number, number, number];
  const { stride, pads } = node.attrs;
  if (kh * kw === 1 && stride === 1) {
    return c.emit('Transpose', [c.reshape(x, [n, channels, height * width])], { perm: [0, 2, 1] });
  }
  const taps = paddedTaps(kh * kw);
  const kernels = c.shared(`one-hot rows ${channels} ${kh} ${kw}`, () => {
    const data = new Float32Array(channels * taps * kh * kw);
    for (let channel = 0; channel < channels; channel++) {
      for (let tap = 0; tap < kh * kw; tap++) data[(channel * taps + tap) * kh * kw + tap] = 1;
    }
    return { shape: [channels * taps, 1, kh, kw], data };
  });
  const attributes = {
    group: channels,
    kernel_shape: [kh, kw],
    pads: [...pads],
    strides: [stride, stride],
  };
  const taken = c.emit('Conv', [x, kernels], attributes);
  const last = c.emit('Transpose', [taken], { perm: [0, 2, 3, 1] });
  return c.reshape(last, [n, height * width, channels * taps]);
}

/** Images whose columns fit one buffer, in parts as equal as can be. */
function imagesAPart(images: number, bytesAnImage: number): number {
  const most = Math.max(1, Math.floor(LARGEST_BUFFER / bytesAnImage));
  return Math.ceil(images / Math.ceil(images / most));
}

/**
 * dw `[Co, Ci, k, k]` as a matrix product an image of dy `[Co, L]` with the columns of x `[L, Ci·k²]`,
 * summed over the images. As a convolution over the images it would have k² output pixels, of which a
 * tile of the provider's has room for 32, and too few tiles to fill a GPU.
 */
export function weightGradOnGpu(
  c: LoweringContext,
  node: Node<'conv2dWeightGrad'>,
  [x, dy]: readonly [string, string],
): string {
  const [images, channels] = node.inputs[0]!.shape as [number, number];
  const [, out, height, width] = node.inputs[1]!.shape as [number, number, number, number];
  const shape = node.attrs.shape;
  const area = shape[2]! * shape[3]!;
  const taps = area === 1 && node.attrs.stride === 1 ? 1 : paddedTaps(area);
  const pixels = height * width;
  const part = imagesAPart(images, 4 * pixels * channels * taps);
  const cut = (tensor: string, start: number, end: number) =>
    part === images
      ? tensor
      : c.emit('Slice', [tensor, c.ints([start]), c.ints([end]), c.ints([0])]);
  let total: string | null = null;
  for (let start = 0; start < images; start += part) {
    const n = Math.min(part, images - start);
    const rows = c.reshape(cut(dy, start, start + n), [n, out, pixels]);
    const columns = pixelRows(c, cut(x, start, start + n), [n, channels], node);
    const each = c.reshape(c.emit('MatMul', [rows, columns]), [n, out * channels * taps]);
    const sum = sumOverRowsOnGpu(c, each, n, out * channels * taps);
    total = total === null ? sum : c.emit('Add', [total, sum]);
  }
  return withoutPadding(c, total!, shape, taps);
}

/** `[Co·Ci·taps]` → `[Co, Ci, k, k]`. */
function withoutPadding(c: LoweringContext, x: string, shape: Shape, taps: number): string {
  const area = shape[2]! * shape[3]!;
  if (taps === area) return c.reshape(x, shape);
  const padded = c.reshape(x, [sizeOf(shape) / area, taps]);
  const ends = [c.ints([0]), c.ints([area]), c.ints([1])];
  return c.reshape(c.emit('Slice', [padded, ...ends]), shape);
}
