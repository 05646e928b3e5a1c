import type { ConvAttrs } from '../../graph/ops';
import type { Shape } from '../../graph/shape';
import type { Tensorflow, TfAttributes, TfPadding, TfTensor } from './api';
import type { Kernel } from './kernels';
import { Value } from './value';

/** Extents of images and kernels along one image axis, and what is padded there. */
interface Axis {
  readonly extent: number;
  readonly kernel: number;
  readonly before: number;
  readonly after: number;
}

function axesOf(image: Shape, kernel: Shape, { pads }: ConvAttrs): readonly [Axis, Axis] {
  const axis = (i: 0 | 1): Axis => ({
    extent: image[2 + i]!,
    kernel: kernel[2 + i]!,
    before: pads[i]!,
    after: pads[2 + i]!,
  });
  return [axis(0), axis(1)];
}

/** Whether the padding is the one that the library's rule `same` makes. */
function isSame(stride: number, { extent, kernel, before, after }: Axis): boolean {
  const out = Math.ceil(extent / stride);
  const total = Math.max((out - 1) * stride + kernel - extent, 0);
  return before === Math.floor(total / 2) && after === total - before;
}

/**
 * The library's gradients of a convolution know the paddings `valid` and `same` alone: with another, they
 * are those of a convolution of images that are padded already.
 */
function paddingOf(stride: number, axes: readonly [Axis, Axis]) {
  if (axes.every((axis) => isSame(stride, axis))) return 'same';
  return axes.every(({ before, after }) => before + after === 0) ? 'valid' : 'padded';
}

function pad(tf: Tensorflow, images: TfTensor, [high, wide]: readonly [Axis, Axis]): TfTensor {
  return tf.pad(images, [
    [0, 0],
    [high.before, high.after],
    [wide.before, wide.after],
    [0, 0],
  ]);
}

function runKernel(
  tf: Tensorflow,
  name: string,
  inputs: Record<string, TfTensor>,
  stride: number,
  padding: 'same' | 'valid',
  attrs: TfAttributes,
): TfTensor {
  return tf.engine().runKernel(name, inputs, {
    strides: [stride, stride],
    pad: padding,
    dataFormat: 'NHWC',
    ...attrs,
  }) as TfTensor;
}

export const conv2d: Kernel<'conv2d'> = (tf, { attrs, inputs }, [x, w, bias]) => {
  const axes = axesOf(inputs[0]!.shape, inputs[1]!.shape, attrs);
  const [high, wide] = axes;
  const rule = paddingOf(attrs.stride, axes);
  const padding: TfPadding =
    rule === 'padded'
      ? [
          [0, 0],
          [high.before, high.after],
          [wide.before, wide.after],
          [0, 0],
        ]
      : rule;
  const y = tf.conv2d(x!.images, w!.kernels, attrs.stride, padding);
  return [Value.ofImages(tf, bias ? tf.add(y, bias.tensor) : y)];
};

export const conv2dInputGrad: Kernel<'conv2dInputGrad'> = (tf, { attrs, inputs }, [dy, w]) => {
  const [n, channels, height, width] = attrs.shape as [number, number, number, number];
  const axes = axesOf(attrs.shape, inputs[1]!.shape, attrs);
  const rule = paddingOf(attrs.stride, axes);
  const grown = axes.map(({ extent, before, after }) => extent + before + after);
  const inputShape = rule === 'padded' ? [n, ...grown, channels] : [n, height, width, channels];
  const operands = { dy: dy!.images, filter: w!.kernels };
  const padding = rule === 'padded' ? 'valid' : rule;
  const dx = runKernel(tf, 'Conv2DBackpropInput', operands, attrs.stride, padding, { inputShape });
  if (rule !== 'padded') return [Value.ofImages(tf, dx)];
  const begin = [0, axes[0].before, axes[1].before, 0];
  return [Value.ofImages(tf, tf.slice(dx, begin, [n, height, width, channels]))];
};

export const conv2dWeightGrad: Kernel<'conv2dWeightGrad'> = (tf, { attrs, inputs }, [x, dy]) => {
  const [out, channels, high, wide] = attrs.shape as [number, number, number, number];
  const axes = axesOf(inputs[0]!.shape, attrs.shape, attrs);
  const rule = paddingOf(attrs.stride, axes);
  const images = rule === 'padded' ? pad(tf, x!.images, axes) : x!.images;
  const operands = { x: images, dy: dy!.images };
  const padding = rule === 'padded' ? 'valid' : rule;
  const filterShape = [high, wide, channels, out];
  const dw = runKernel(tf, 'Conv2DBackpropFilter', operands, attrs.stride, padding, {
    filterShape,
  });
  return [Value.of(tf, tf.transpose(dw, [3, 2, 0, 1]))];
};
