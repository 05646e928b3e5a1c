import type { Node, OpKind, Tensor } from '../../graph/ops';
import type { Shape } from '../../graph/shape';
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from './model';

/**
 * What a model is written for. What is fast on ONNX Runtime's CPU provider is not what is fast on a
 * GPU; `portable` uses standard ONNX operators only, for files that leave this program.
 */
export type LoweringTarget = 'cpu' | 'gpu' | 'portable';

/** Writes one graph node as ONNX nodes; returns the names of its outputs. */
export type LowerRule<K extends OpKind> = (
  c: LoweringContext,
  node: Node<K>,
  x: readonly string[],
) => readonly string[];

/** Domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

interface EmitOptions {
  readonly domain?: string;
  readonly outputs?: number;
}

/** Collects the ONNX nodes and initializers of a graph. Equal nodes are written once. */
export class LoweringContext {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[] = [];
  private readonly memo = new Map<string, readonly string[]>();
  private scope = '';

  constructor(
    readonly target: LoweringTarget,
    /** True for tensors whose first extent is the batch, left open in the written model. */
    readonly hasOpenBatch: (tensor: Tensor) => boolean,
    /** Channels in a block of the CPU provider's own layout; null where it is not used. */
    readonly channelBlock: number | null = null,
  ) {}

  /** Nodes emitted from here on are named after this part of the model. */
  enter(scope: string): void {
    this.scope = scope;
  }

  /** Adds an ONNX node and returns the names of its outputs. */
  emitAll(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    options: EmitOptions = {},
  ): readonly string[] {
    const key = `${opType}(${inputs.join()})${JSON.stringify(attributes)}`;
    const known = this.memo.get(key);
    if (known) return known;
    const name = `${this.scope}/${opType}_${this.nodes.length}`;
    const outputs = Array.from({ length: options.outputs ?? 1 }, (_, i) => `${name}:${i}`);
    this.nodes.push({ opType, name, domain: options.domain, inputs, outputs, attributes });
    this.memo.set(key, outputs);
    return outputs;
  }

  /** As {@link emitAll}, for a node with one output. */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    domain?: string,
  ): string {
    return this.emitAll(opType, inputs, attributes, { domain })[0]!;
  }

  /** An int64 vector. */
  ints(values: readonly number[]): string {
    return this.shared(`ints ${values.join()}`, () => ({
      shape: [values.length],
      data: BigInt64Array.from(values, BigInt),
    }));
  }

  /** A tensor full of one value. */
  filled(value: number, shape: Shape): string {
    const size = shape.reduce((a, b) => a * b, 1);
    return this.shared(`filled ${value} ${shape.join()}`, () => ({
      shape,
      data: new Float32Array(size).fill(value),
    }));
  }

  /** A constant made by `make` once and shared by all that ask for the same key. */
  shared(key: string, make: () => Omit<OnnxInitializer, 'name'>): string {
    const known = this.memo.get(key);
    if (known) return known[0]!;
    const name = `constant_${this.initializers.length}`;
    this.initializers.push({ name, ...make() });
    this.memo.set(key, [name]);
    return name;
  }

  reshape(x: string, shape: Shape): string {
    return this.emit('Reshape', [x, this.ints(shape)]);
  }

  /** Matrix product of stacks of matrices, either transposed over its last two axes. */
  matmul(a: string, b: string, rankA: number, rankB: number, ta = false, tb = false): string {
    if (!ta && !tb) return this.emit('MatMul', [a, b]);
    if (this.target === 'cpu') {
      const attributes = { transA: Number(ta), transB: Number(tb) };
      return this.emit('FusedMatMul', [a, b], attributes, MICROSOFT);
    }
    const swapped = (x: string, rank: number) => {
      const perm = Array.from({ length: rank }, (_, i) => i);
      [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
      return this.emit('Transpose', [x], { perm });
    };
    return this.emit('MatMul', [ta ? swapped(a, rankA) : a, tb ? swapped(b, rankB) : b]);
  }
}
