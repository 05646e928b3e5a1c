import type { Node, OpKind, Tensor } from '../../graph/ops';
import { broadcastShapes, sameShape, sizeOf, type Shape } from '../../graph/shape';
import type { Tensorflow, TfTensor } from './api';
import { conv2d, conv2dInputGrad, conv2dWeightGrad } from './kernels-conv';
import { Value } from './value';

/** Computes the outputs of a node from its inputs. Runs in a `tidy`: what is not in a value goes. */
export type Kernel<K extends OpKind> = (
  tf: Tensorflow,
  node: Node<K>,
  x: readonly Value[],
) => readonly Value[];

/** One output as the graph has it, from the inputs as the graph has them. */
function plain<K extends OpKind>(
  compute: (tf: Tensorflow, x: readonly TfTensor[], node: Node<K>) => TfTensor,
): Kernel<K> {
  return (tf, node, x) => [
    Value.of(
      tf,
      compute(
        tf,
        x.map((value) => value.tensor),
        node,
      ),
    ),
  ];
}

type UnaryName =
  | ('neg' | 'exp' | 'log' | 'sqrt' | 'sin' | 'cos')
  | ('tanh' | 'sigmoid' | 'erf' | 'softplus' | 'relu');
type BinaryName = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum';

const unary = (name: UnaryName) => plain((tf, x) => tf[name](x[0]!));
const binary = (name: BinaryName) => plain((tf, x) => tf[name](x[0]!, x[1]!));

/** One output, images with channels last, from images with channels last. */
function onImages<K extends OpKind>(
  compute: (tf: Tensorflow, images: TfTensor) => TfTensor,
): Kernel<K> {
  return (tf, _, x) => [Value.ofImages(tf, compute(tf, x[0]!.images))];
}

const leaf: Kernel<OpKind> = (_, node) => {
  throw new Error(`${node.kind} is not computed: its value is there before the run`);
};

/** The same matrices, repeated over the batch axes. */
function batched(tf: Tensorflow, x: TfTensor, { shape }: Tensor, batch: Shape): TfTensor {
  const whole = [...batch, ...shape.slice(-2)];
  const repeated = sameShape(shape, whole) ? x : tf.broadcastTo(x, whole);
  return tf.reshape(repeated, [sizeOf(batch), ...shape.slice(-2)]);
}

/** The library multiplies matrices, and batches of equal rank. */
const matmul = plain<'matmul'>((tf, [x, y], { attrs, inputs, outputs }) => {
  const [a, b] = inputs as readonly [Tensor, Tensor];
  const { transposeA, transposeB } = attrs;
  if (a.shape.length === 2 && b.shape.length === 2)
    return tf.matMul(x!, y!, transposeA, transposeB);
  const { shape } = outputs[0]!;
  if (b.shape.length === 2 && !transposeA) {
    const rows = tf.reshape(x!, [sizeOf(a.shape.slice(0, -1)), a.shape.at(-1)!]);
    return tf.reshape(tf.matMul(rows, y!, false, transposeB), [...shape]);
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2))!;
  const product = tf.matMul(
    batched(tf, x!, a, batch),
    batched(tf, y!, b, batch),
    transposeA,
    transposeB,
  );
  return tf.reshape(product, [...shape]);
});

const standardize: Kernel<'standardize'> = (tf, { attrs }, x) => {
  const input = x[0]!.tensor;
  const centred = tf.sub(input, tf.mean(input, [1], true));
  const variance = tf.mean(tf.square(centred), [1], true);
  const invStd = tf.rsqrt(tf.add(variance, tf.scalar(attrs.eps)));
  return [tf.mul(centred, invStd), invStd].map((tensor) => Value.of(tf, tensor));
};

/** Every operation on the TensorFlow.js API, one entry each. */
export const KERNELS: { readonly [K in OpKind]: Kernel<K> } = {
  input: leaf,
  constant: leaf,
  add: binary('add'),
  sub: binary('sub'),
  mul: binary('mul'),
  div: binary('div'),
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  neg: unary('neg'),
  exp: unary('exp'),
  log: unary('log'),
  sqrt: unary('sqrt'),
  sin: unary('sin'),
  cos: unary('cos'),
  tanh: unary('tanh'),
  sigmoid: unary('sigmoid'),
  erf: unary('erf'),
  softplus: unary('softplus'),
  relu: unary('relu'),
  silu: plain((tf, x) => tf.mul(x[0]!, tf.sigmoid(x[0]!))),
  matmul,
  reduceSum: plain((tf, x, { attrs }) => tf.sum(x[0]!, [...attrs.axes], attrs.keepDims)),
  standardize,
  softmax: plain((tf, x) => tf.softmax(x[0]!, -1)),
  reshape: plain((tf, x, { attrs }) => tf.reshape(x[0]!, [...attrs.shape])),
  transpose: plain((tf, x, { attrs }) => tf.transpose(x[0]!, [...attrs.perm])),
  broadcastTo: plain((tf, x, { attrs }) => tf.broadcastTo(x[0]!, [...attrs.shape])),
  concat: plain((tf, x, { attrs }) => tf.concat([...x], attrs.axis)),
  slice: plain((tf, x, { attrs, inputs, outputs }) => {
    const begin = inputs[0]!.shape.map((_, i) => (i === attrs.axis ? attrs.start : 0));
    return tf.slice(x[0]!, begin, [...outputs[0]!.shape]);
  }),
  pad: plain((tf, x, { attrs }) =>
    tf.pad(
      x[0]!,
      attrs.before.map((before, i) => [before, attrs.after[i]!]),
    ),
  ),
  conv2d,
  conv2dInputGrad,
  conv2dWeightGrad,
  upsampleNearest: (tf, { outputs }, x) => {
    const [, , height, width] = outputs[0]!.shape;
    return [Value.ofImages(tf, tf.image.resizeNearestNeighbor(x[0]!.images, [height!, width!]))];
  },
  sumPool: onImages((tf, images) => tf.mul(tf.avgPool(images, 2, 2, 'valid'), tf.scalar(4))),
};
