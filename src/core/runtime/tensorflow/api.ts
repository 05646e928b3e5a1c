/**
 * What is used of TensorFlow.js, whose other operations stay unknown here: both `@tensorflow/tfjs-node-gpu`
 * and `@tensorflow/tfjs-core` with any backend fit it. Names and arguments are the library's own.
 */

/** A tensor on the library's device; it is there until it is disposed. */
export interface TfTensor {
  readonly shape: readonly number[];
  /** Another handle on the same values, disposed by itself. */
  clone(): TfTensor;
  /** The values in the host's memory; not to be written to. */
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type Size = [height: number, width: number];

/** Padding by rule, or before and after each axis of `[N, H, W, C]`. */
export type TfPadding =
  'valid' | 'same' | [[0, 0], [top: number, bottom: number], [left: number, right: number], [0, 0]];

/** What `runKernel` takes beside tensors. */
export type TfAttributes = Record<string, number | string | number[]>;

export interface Tensorflow {
  tensor(values: Float32Array, shape: number[], dtype: 'float32'): TfTensor;
  scalar(value: number): TfTensor;
  /** Disposes all that `body` makes and does not keep. */
  tidy(body: () => void): void;
  /** Takes a tensor out of the hands of `tidy`. */
  keep(x: TfTensor): TfTensor;
  memory(): { readonly numTensors: number };
  engine(): {
    runKernel(name: string, inputs: Record<string, TfTensor>, attrs: TfAttributes): unknown;
  };

  add(a: TfTensor, b: TfTensor): TfTensor;
  sub(a: TfTensor, b: TfTensor): TfTensor;
  mul(a: TfTensor, b: TfTensor): TfTensor;
  div(a: TfTensor, b: TfTensor): TfTensor;
  maximum(a: TfTensor, b: TfTensor): TfTensor;
  minimum(a: TfTensor, b: TfTensor): TfTensor;
  neg(x: TfTensor): TfTensor;
  exp(x: TfTensor): TfTensor;
  log(x: TfTensor): TfTensor;
  sqrt(x: TfTensor): TfTensor;
  rsqrt(x: TfTensor): TfTensor;
  square(x: TfTensor): TfTensor;
  sin(x: TfTensor): TfTensor;
  cos(x: TfTensor): TfTensor;
  tanh(x: TfTensor): TfTensor;
  sigmoid(x: TfTensor): TfTensor;
  erf(x: TfTensor): TfTensor;
  softplus(x: TfTensor): TfTensor;
  relu(x: TfTensor): TfTensor;
  softmax(x: TfTensor, axis: number): TfTensor;
  matMul(a: TfTensor, b: TfTensor, transposeA: boolean, transposeB: boolean): TfTensor;
  sum(x: TfTensor, axes: number[], keepDims: boolean): TfTensor;
  mean(x: TfTensor, axes: number[], keepDims: boolean): TfTensor;
  reshape(x: TfTensor, shape: number[]): TfTensor;
  transpose(x: TfTensor, perm: number[]): TfTensor;
  broadcastTo(x: TfTensor, shape: number[]): TfTensor;
  concat(parts: TfTensor[], axis: number): TfTensor;
  slice(x: TfTensor, begin: number[], size: number[]): TfTensor;
  pad(x: TfTensor, ends: [before: number, after: number][]): TfTensor;
  conv2d(x: TfTensor, w: TfTensor, stride: number, padding: TfPadding): TfTensor;
  avgPool(x: TfTensor, size: number, stride: number, padding: 'valid'): TfTensor;
  readonly image: { resizeNearestNeighbor(images: TfTensor, size: Size): TfTensor };
}
