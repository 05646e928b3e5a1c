import type { Shape } from './shape';

type None = Record<never, never>;

/** Zero padding of the two image axes: top, left, bottom, right. */
export type Pads = readonly [top: number, left: number, bottom: number, right: number];

export interface ConvAttrs {
  readonly stride: number;
  readonly pads: Pads;
}

/**
 * The closed set of operations and their attributes. Everything is float32. Each kind has one entry
 * in each of four tables: shape inference (`infer.ts`), gradient (`vjp.ts`), lowering
 * (`runtime/onnx/lower.ts`) and kernel (`runtime/tensorflow/kernels.ts`); a missing entry does not compile.
 */
export interface OpAttrs {
  input: { readonly name: string; readonly shape: Shape };
  constant: { readonly data: Float32Array; readonly shape: Shape };
  // Elementwise, with NumPy's broadcasting.
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  minimum: None;
  // Elementwise, of one tensor.
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  sin: None;
  cos: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  softplus: None;
  relu: None;
  silu: None;
  // Linear algebra and reductions.
  matmul: { readonly transposeA: boolean; readonly transposeB: boolean };
  reduceSum: { readonly axes: readonly number[]; readonly keepDims: boolean };
  /** `[R, L]` → y `[R, L]` with mean 0 and deviation 1 in each row, and 1/deviation `[R, 1]`. */
  standardize: { readonly eps: number };
  /** Over the last axis. */
  softmax: None;
  // Shape.
  reshape: { readonly shape: Shape };
  transpose: { readonly perm: readonly number[] };
  broadcastTo: { readonly shape: Shape };
  concat: { readonly axis: number };
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  /** With zeros. */
  pad: { readonly before: readonly number[]; readonly after: readonly number[] };
  // Images, `[N, C, H, W]`.
  /** x `[N, Ci, H, W]`, w `[Co, Ci, k, k]` and optionally b `[Co]` → `[N, Co, H', W']`. */
  conv2d: ConvAttrs;
  /** dy `[N, Co, H', W']`, w `[Co, Ci, k, k]` → dx `[N, Ci, H, W]`. */
  conv2dInputGrad: ConvAttrs & { readonly shape: Shape };
  /** x `[N, Ci, H, W]`, dy `[N, Co, H', W']` → dw `[Co, Ci, k, k]`. */
  conv2dWeightGrad: ConvAttrs & { readonly shape: Shape };
  /** Each pixel becomes a 2×2 block. */
  upsampleNearest: None;
  /** Sums of 2×2 blocks. */
  sumPool: None;
}

export type OpKind = keyof OpAttrs;

/** A value in a graph: one output of one node. */
export interface Tensor {
  readonly id: number;
  readonly shape: Shape;
  readonly node: Node;
}

export interface Node<K extends OpKind = OpKind> {
  readonly id: number;
  readonly kind: K;
  readonly attrs: OpAttrs[K];
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Which part of the model made it, such as `down_blocks.0.resnets.1.conv1`; may be empty. */
  readonly scope: string;
}

/**
 * An input of a graph. A `feed` is given at each run; a `state` lives on the device from run to run
 * and is replaced by the state output of the same name where there is one.
 */
export interface GraphInput {
  readonly name: string;
  readonly role: 'feed' | 'state';
  readonly tensor: Tensor;
}

export interface GraphOutput {
  readonly name: string;
  readonly role: 'result' | 'state';
  readonly tensor: Tensor;
}

/** A static graph: nodes in an order in which they can be run. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
}
