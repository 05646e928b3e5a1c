import { inferShapes } from './infer';
import type {
  ConvAttrs,
  Graph,
  GraphInput,
  GraphOutput,
  Node,
  OpAttrs,
  OpKind,
  Tensor,
} from './ops';
import { sameShape, sizeOf, type Shape } from './shape';
import { verify } from './verify';

/** Either a tensor or a number, which becomes a scalar constant. */
export type Operand = Tensor | number;

/**
 * Puts a graph together node by node. Shapes are inferred, and checked, as each node is added.
 * Methods that are not one operation of {@link OpKind} are made of several.
 */
export class GraphBuilder {
  private readonly nodes: Node[] = [];
  private readonly inputs: GraphInput[] = [];
  private readonly outputs: GraphOutput[] = [];
  private readonly scopes: string[] = [];
  private tensors = 0;

  /** Adds one node and returns all its outputs. */
  apply<K extends OpKind>(
    kind: K,
    attrs: OpAttrs[K],
    inputs: readonly Tensor[],
  ): readonly Tensor[] {
    const scope = this.scopes.join('.');
    const shapes = inferShapes(
      kind,
      attrs,
      inputs.map((t) => t.shape),
      scope,
    );
    const outputs: Tensor[] = [];
    const node: Node = { id: this.nodes.length, kind, attrs, inputs, outputs, scope };
    for (const shape of shapes) outputs.push({ id: this.tensors++, shape, node });
    this.nodes.push(node);
    return outputs;
  }

  private one<K extends OpKind>(kind: K, attrs: OpAttrs[K], ...inputs: Tensor[]): Tensor {
    return this.apply(kind, attrs, inputs)[0]!;
  }

  /** Nodes added by `body` carry this name (below the names around it) in errors and profiles. */
  scope<T>(name: string, body: () => T): T {
    this.scopes.push(name);
    try {
      return body();
    } finally {
      this.scopes.pop();
    }
  }

  /** An input given at each run. */
  feed(name: string, shape: Shape): Tensor {
    return this.addInput(name, 'feed', shape);
  }

  /** An input that lives on the device from run to run. */
  state(name: string, shape: Shape): Tensor {
    return this.addInput(name, 'state', shape);
  }

  private addInput(name: string, role: GraphInput['role'], shape: Shape): Tensor {
    const tensor = this.one('input', { name, shape });
    this.inputs.push({ name, role, tensor });
    return tensor;
  }

  /** A result that each run returns. */
  result(name: string, tensor: Tensor): void {
    this.outputs.push({ name, role: 'result', tensor });
  }

  /** What the state of that name is from the next run on. */
  nextState(name: string, tensor: Tensor): void {
    this.outputs.push({ name, role: 'state', tensor });
  }

  /** The finished graph, verified. */
  build(): Graph {
    const graph = { nodes: this.nodes, inputs: this.inputs, outputs: this.outputs };
    verify(graph);
    return graph;
  }

  constant(data: Float32Array | readonly number[], shape: Shape = [data.length]): Tensor {
    return this.one('constant', { data: Float32Array.from(data), shape });
  }

  private tensor(operand: Operand): Tensor {
    return typeof operand === 'number' ? this.constant([operand], []) : operand;
  }

  add = (a: Operand, b: Operand) => this.one('add', {}, this.tensor(a), this.tensor(b));
  sub = (a: Operand, b: Operand) => this.one('sub', {}, this.tensor(a), this.tensor(b));
  mul = (a: Operand, b: Operand) => this.one('mul', {}, this.tensor(a), this.tensor(b));
  div = (a: Operand, b: Operand) => this.one('div', {}, this.tensor(a), this.tensor(b));
  maximum = (a: Operand, b: Operand) => this.one('maximum', {}, this.tensor(a), this.tensor(b));
  minimum = (a: Operand, b: Operand) => this.one('minimum', {}, this.tensor(a), this.tensor(b));
  neg = (x: Tensor) => this.one('neg', {}, x);
  exp = (x: Tensor) => this.one('exp', {}, x);
  log = (x: Tensor) => this.one('log', {}, x);
  sqrt = (x: Tensor) => this.one('sqrt', {}, x);
  sin = (x: Tensor) => this.one('sin', {}, x);
  cos = (x: Tensor) => this.one('cos', {}, x);
  tanh = (x: Tensor) => this.one('tanh', {}, x);
  sigmoid = (x: Tensor) => this.one('sigmoid', {}, x);
  erf = (x: Tensor) => this.one('erf', {}, x);
  softplus = (x: Tensor) => this.one('softplus', {}, x);
  relu = (x: Tensor) => this.one('relu', {}, x);
  silu = (x: Tensor) => this.one('silu', {}, x);
  softmax = (x: Tensor) => this.one('softmax', {}, x);
  upsampleNearest = (x: Tensor) => this.one('upsampleNearest', {}, x);
  sumPool = (x: Tensor) => this.one('sumPool', {}, x);
  square = (x: Tensor) => this.mul(x, x);

  matmul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
    return this.one('matmul', { transposeA, transposeB }, a, b);
  }

  reduceSum(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
    return axes.length === 0 ? x : this.one('reduceSum', { axes, keepDims }, x);
  }

  reduceMean(x: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const count = axes.reduce((product, axis) => product * x.shape[axis]!, 1);
    return this.mul(this.reduceSum(x, axes, keepDims), 1 / count);
  }

  /** Sums what broadcasting had repeated, so that the result has the given shape. */
  sumTo(x: Tensor, shape: Shape): Tensor {
    if (sameShape(x.shape, shape)) return x;
    const lead = x.shape.length - shape.length;
    const axes = x.shape.flatMap((extent, i) =>
      i < lead || (shape[i - lead] === 1 && extent !== 1) ? [i] : [],
    );
    return this.reshape(this.reduceSum(x, axes, true), shape);
  }

  standardize(x: Tensor, eps: number): readonly [y: Tensor, invStd: Tensor] {
    return this.apply('standardize', { eps }, [x]) as readonly [Tensor, Tensor];
  }

  reshape(x: Tensor, shape: Shape): Tensor {
    return sameShape(x.shape, shape) ? x : this.one('reshape', { shape }, x);
  }

  transpose(x: Tensor, perm: readonly number[]): Tensor {
    return this.one('transpose', { perm }, x);
  }

  broadcastTo(x: Tensor, shape: Shape): Tensor {
    return sameShape(x.shape, shape) ? x : this.one('broadcastTo', { shape }, x);
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    return parts.length === 1 ? parts[0]! : this.one('concat', { axis }, ...parts);
  }

  slice(x: Tensor, axis: number, start: number, end: number): Tensor {
    return start === 0 && end === x.shape[axis] ? x : this.one('slice', { axis, start, end }, x);
  }

  pad(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
    return this.one('pad', { before, after }, x);
  }

  conv2d(x: Tensor, w: Tensor, bias: Tensor | null, attrs: ConvAttrs): Tensor {
    return bias ? this.one('conv2d', attrs, x, w, bias) : this.one('conv2d', attrs, x, w);
  }

  conv2dInputGrad(dy: Tensor, w: Tensor, shape: Shape, attrs: ConvAttrs): Tensor {
    return this.one('conv2dInputGrad', { ...attrs, shape }, dy, w);
  }

  conv2dWeightGrad(x: Tensor, dy: Tensor, shape: Shape, attrs: ConvAttrs): Tensor {
    return this.one('conv2dWeightGrad', { ...attrs, shape }, x, dy);
  }

  /** All elements in one row, `[size]`. */
  flatten(x: Tensor): Tensor {
    return this.reshape(x, [sizeOf(x.shape)]);
  }
}
