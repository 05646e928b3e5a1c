import { FLOAT, FLOAT16, type OnnxInitializer, type OnnxModel, type OnnxNode } from './model';

/** The bits of the float16 next to a number, ties to even; beyond its range, infinity (IEEE 754, 4.3.1). */
function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  const unit = 2 ** (exponent - 10);
  const steps = size / unit;
  const below = Math.floor(steps);
  const up = steps - below > 0.5 || (steps - below === 0.5 && below % 2 === 1);
  // Steps of a normal number count from 1024, which stands for the exponent; a carry goes into it.
  return sign | ((exponent + 14) * 1024 + below + Number(up));
}

/** float32 values as the bits of float16. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, halfBits);
}

/** What multiplies by learned kernels or matrices. */
const PRODUCTS = new Set(['Conv', 'MatMul', 'ConvTranspose']);
/** Sums of exponentials, which float16's range is too narrow for. */
const WIDE = new Set(['Softmax']);

type Kind = 'whole' | 'constant' | 'float' | 'half';

/** Rewrites nodes one by one, with casts between what is float32 and what is float16. */
class Halving {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxInitializer[];
  private readonly kinds = new Map<string, Kind>();
  private readonly constants: ReadonlyMap<string, OnnxInitializer>;
  private readonly made = new Set<string>();

  constructor(model: OnnxModel) {
    this.initializers = [...model.initializers];
    this.constants = new Map(model.initializers.map((one) => [one.name, one]));
    for (const { name } of model.inputs) this.kinds.set(name, 'float');
    for (const { name, data } of model.initializers) {
      this.kinds.set(name, data instanceof Float32Array ? 'constant' : 'whole');
    }
  }

  private cast(name: string, to: 'float' | 'half'): string {
    const known = `${name}:${to}`;
    if (this.made.has(known)) return known;
    this.made.add(known);
    const constant = this.constants.get(name);
    if (constant?.data instanceof Float32Array) {
      this.initializers.push({ ...constant, name: known, data: toHalf(constant.data) });
      return known;
    }
    const attributes = { to: to === 'half' ? FLOAT16 : FLOAT };
    this.nodes.push({
      opType: 'Cast',
      name: `cast ${known}`,
      inputs: [name],
      outputs: [known],
      attributes,
    });
    return known;
  }

  private as(name: string, wanted: 'float' | 'half'): string {
    const kind = this.kinds.get(name);
    if (name === '' || kind === 'whole' || kind === wanted) return name;
    return kind === 'constant' && wanted === 'float' ? name : this.cast(name, wanted);
  }

  /** What goes before the first product, all of the timesteps' sinusoids, is in float32. */
  private isWide({ opType, inputs }: OnnxNode): boolean {
    if (WIDE.has(opType)) return true;
    return !PRODUCTS.has(opType) && inputs.every((name) => this.kinds.get(name) !== 'half');
  }

  /** @param outputs the model's own */
  rewrite(node: OnnxNode, outputs: ReadonlySet<string>): void {
    const kind = this.isWide(node) ? 'float' : 'half';
    // The scales of a Resize are float32 whatever it resizes.
    const inputs = node.inputs.map((name, i) =>
      node.opType === 'Resize' && i > 0 ? name : this.as(name, kind),
    );
    // Mean and deviation of a LayerNormalization are float32.
    const kinds = node.outputs.map((_, i) => (i === 0 ? kind : 'float'));
    const names = node.outputs.map((name, i) =>
      kinds[i] === 'half' && outputs.has(name) ? `${name}:half` : name,
    );
    this.nodes.push({ ...node, inputs, outputs: names });
    names.forEach((name, i) => this.kinds.set(name, kinds[i]!));
    node.outputs.forEach((name, i) => {
      if (names[i] !== name) this.giveOutput(name, names[i]!);
    });
  }

  /** An output of the model is float32, whatever it was computed in. */
  private giveOutput(name: string, half: string): void {
    this.kinds.set(name, 'float');
    const attributes = { to: FLOAT };
    const cast = { opType: 'Cast', name: `cast ${name}`, inputs: [half], outputs: [name] };
    this.nodes.push({ ...cast, attributes });
  }
}

/**
 * A float32 model without state, computed in float16: its weights and what comes after the first product
 * with them. Its inputs and outputs stay float32, and so do the embedding of the timesteps up to its first
 * layer, the statistics of normalisations (which the provider takes in float32) and softmax.
 */
export function inHalfPrecision(model: OnnxModel): OnnxModel {
  const halving = new Halving(model);
  const outputs = new Set(model.outputs.map(({ name }) => name));
  for (const node of model.nodes) {
    halving.rewrite(node, outputs);
  }
  const used = new Set(halving.nodes.flatMap(({ inputs }) => inputs));
  const initializers = halving.initializers.filter(({ name }) => used.has(name));
  return { ...model, nodes: halving.nodes, initializers };
}
