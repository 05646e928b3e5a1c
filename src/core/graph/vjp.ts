import type { GraphBuilder } from './builder';
import type { Node, OpKind, Tensor } from './ops';

/** What a gradient rule sees of a node y = f(x…): its tensors, and ȳ, the gradient by each output. */
export interface VjpContext<K extends OpKind> {
  readonly g: GraphBuilder;
  readonly attrs: Node<K>['attrs'];
  readonly x: readonly Tensor[];
  readonly y: readonly Tensor[];
  /** Gradient of the loss by the first output. */
  readonly dy: Tensor;
  /** Whether the gradient by input i is asked for; a rule may return null where it is not. */
  needs(i: number): boolean;
}

/** The gradient by each input: a vector–Jacobian product. */
export type VjpRule<K extends OpKind> = (c: VjpContext<K>) => readonly (Tensor | null)[];

/** An operation through which no gradient passes, and why. */
export interface NoGradient {
  readonly noGradient: string;
}

const LEAF: NoGradient = { noGradient: 'a leaf has no inputs' };
const SECOND_ORDER: NoGradient = {
  noGradient: 'appears only in gradients; second order is absent',
};

function matmulRule({ g, attrs, x, dy, needs }: VjpContext<'matmul'>): readonly (Tensor | null)[] {
  const [a, b] = x as [Tensor, Tensor];
  const { transposeA: ta, transposeB: tb } = attrs;
  // y = A·B: Ā = ȳ·Bᵀ, B̄ = Aᵀ·ȳ; transposed operands give the transposes of these.
  const da = () => (ta ? g.matmul(b, dy, tb, true) : g.matmul(dy, b, false, !tb));
  const db = () => (tb ? g.matmul(dy, a, true, ta) : g.matmul(a, dy, !ta, false));
  return [needs(0) ? g.sumTo(da(), a.shape) : null, needs(1) ? g.sumTo(db(), b.shape) : null];
}

function concatRule({ g, attrs, x, dy }: VjpContext<'concat'>): readonly Tensor[] {
  let start = 0;
  return x.map((part) => {
    const end = start + part.shape[attrs.axis]!;
    const piece = g.slice(dy, attrs.axis, start, end);
    start = end;
    return piece;
  });
}

function sliceRule({ g, attrs, x, dy }: VjpContext<'slice'>): readonly Tensor[] {
  const shape = x[0]!.shape;
  const at = (value: number) => shape.map((_, i) => (i === attrs.axis ? value : 0));
  return [g.pad(dy, at(attrs.start), at(shape[attrs.axis]! - attrs.end))];
}

function padRule({ g, attrs, x, dy }: VjpContext<'pad'>): readonly Tensor[] {
  const crop = (t: Tensor, extent: number, axis: number) =>
    g.slice(t, axis, attrs.before[axis]!, attrs.before[axis]! + extent);
  return [x[0]!.shape.reduce(crop, dy)];
}

/** The slope of erf at 0: erf'(x) = 2/√π · exp(−x²). */
const ERF_SLOPE = 2 / Math.sqrt(Math.PI);

/** Gradient rules, one an operation: its formula, then its code. Bars are gradients of the loss. */
export const VJP: { readonly [K in OpKind]: VjpRule<K> | NoGradient } = {
  input: LEAF,
  constant: LEAF,
  // y = a + b: ā = ȳ, b̄ = ȳ
  add: ({ g, x, dy }) => x.map((t) => g.sumTo(dy, t.shape)),
  // y = a − b: ā = ȳ, b̄ = −ȳ
  sub: ({ g, x, dy, needs }) => [
    g.sumTo(dy, x[0]!.shape),
    needs(1) ? g.neg(g.sumTo(dy, x[1]!.shape)) : null,
  ],
  // y = a·b: ā = ȳ·b, b̄ = ȳ·a
  mul: ({ g, x, dy, needs }) => [
    needs(0) ? g.sumTo(g.mul(dy, x[1]!), x[0]!.shape) : null,
    needs(1) ? g.sumTo(g.mul(dy, x[0]!), x[1]!.shape) : null,
  ],
  // y = a/b: ā = ȳ/b, b̄ = −ȳ·y/b
  div: ({ g, x, y, dy, needs }) => [
    needs(0) ? g.sumTo(g.div(dy, x[1]!), x[0]!.shape) : null,
    needs(1) ? g.neg(g.sumTo(g.div(g.mul(dy, y[0]!), x[1]!), x[1]!.shape)) : null,
  ],
  maximum: { noGradient: 'used outside of what is differentiated' },
  minimum: { noGradient: 'used outside of what is differentiated' },
  // y = −x: x̄ = −ȳ
  neg: ({ g, dy }) => [g.neg(dy)],
  // y = eˣ: x̄ = ȳ·y
  exp: ({ g, y, dy }) => [g.mul(dy, y[0]!)],
  // y = ln x: x̄ = ȳ/x
  log: ({ g, x, dy }) => [g.div(dy, x[0]!)],
  // y = √x: x̄ = ȳ/(2y)
  sqrt: ({ g, y, dy }) => [g.div(g.mul(dy, 0.5), y[0]!)],
  // y = sin x: x̄ = ȳ·cos x
  sin: ({ g, x, dy }) => [g.mul(dy, g.cos(x[0]!))],
  // y = cos x: x̄ = −ȳ·sin x
  cos: ({ g, x, dy }) => [g.neg(g.mul(dy, g.sin(x[0]!)))],
  // y = tanh x: x̄ = ȳ·(1 − y²)
  tanh: ({ g, y, dy }) => [g.mul(dy, g.sub(1, g.square(y[0]!)))],
  // y = σ(x): x̄ = ȳ·y·(1 − y)
  sigmoid: ({ g, y, dy }) => [g.mul(dy, g.mul(y[0]!, g.sub(1, y[0]!)))],
  // y = erf x: x̄ = ȳ·2/√π·e^(−x²)
  erf: ({ g, x, dy }) => [g.mul(g.mul(dy, ERF_SLOPE), g.exp(g.neg(g.square(x[0]!))))],
  // y = ln(1 + eˣ): x̄ = ȳ·σ(x)
  softplus: ({ g, x, dy }) => [g.mul(dy, g.sigmoid(x[0]!))],
  // y = max(x, 0): x̄ = ȳ where x > 0, written as ȳ·min(1, y·∞)
  relu: ({ g, y, dy }) => [g.mul(dy, g.minimum(1, g.mul(y[0]!, 1e30)))],
  // y = x·σ: x̄ = ȳ·(σ + y·(1 − σ)), σ = σ(x)
  silu: ({ g, x, y, dy }) => {
    const s = g.sigmoid(x[0]!);
    return [g.mul(dy, g.add(s, g.mul(y[0]!, g.sub(1, s))))];
  },
  matmul: matmulRule,
  // y = Σ x: x̄ = ȳ, repeated
  reduceSum: ({ g, attrs, x, dy }) => {
    const kept = x[0]!.shape.map((extent, i) => (attrs.axes.includes(i) ? 1 : extent));
    return [g.broadcastTo(g.reshape(dy, kept), x[0]!.shape)];
  },
  // y = (x − μ)·s, s = 1/√(σ² + ε): x̄ = s·(ȳ − mean(ȳ) − y·mean(ȳ·y)), means over each row
  standardize: ({ g, y, dy }) => {
    const [out, invStd] = y as [Tensor, Tensor];
    const spread = g.mul(out, g.reduceMean(g.mul(dy, out), [1], true));
    return [g.mul(invStd, g.sub(g.sub(dy, g.reduceMean(dy, [1], true)), spread))];
  },
  // y = softmax x: x̄ = y·(ȳ − Σ ȳ·y)
  softmax: ({ g, y, dy }) => {
    const last = dy.shape.length - 1;
    return [g.mul(y[0]!, g.sub(dy, g.reduceSum(g.mul(dy, y[0]!), [last], true)))];
  },
  // y is x in another shape: x̄ is ȳ in x's
  reshape: ({ g, x, dy }) => [g.reshape(dy, x[0]!.shape)],
  // y is x with axes permuted: x̄ is ȳ with the inverse permutation
  transpose: ({ g, attrs, dy }) => [
    g.transpose(
      dy,
      attrs.perm.map((_, axis) => attrs.perm.indexOf(axis)),
    ),
  ],
  // y is x repeated: x̄ = Σ ȳ
  broadcastTo: ({ g, x, dy }) => [g.sumTo(dy, x[0]!.shape)],
  concat: concatRule,
  slice: sliceRule,
  pad: padRule,
  // y = x ∗ w + b: x̄ and w̄ are the two correlations of ȳ, b̄ = Σ ȳ over images and pixels
  conv2d: ({ g, attrs, x, dy, needs }) => [
    needs(0) ? g.conv2dInputGrad(dy, x[1]!, x[0]!.shape, attrs) : null,
    needs(1) ? g.conv2dWeightGrad(x[0]!, dy, x[1]!.shape, attrs) : null,
    ...(x.length === 3 ? [needs(2) ? g.reduceSum(dy, [0, 2, 3]) : null] : []),
  ],
  conv2dInputGrad: SECOND_ORDER,
  conv2dWeightGrad: SECOND_ORDER,
  // each x is read four times: x̄ = Σ ȳ over its block
  upsampleNearest: ({ g, dy }) => [g.sumPool(dy)],
  // y = Σ x over a block: x̄ = ȳ at each of the four
  sumPool: ({ g, dy }) => [g.upsampleNearest(dy)],
};
