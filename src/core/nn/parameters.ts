import { normals, Stream, uniforms } from '../base/random';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Shape } from '../graph/shape';
import type { Tensor } from '../graph/ops';
import type { ParameterSource, ParameterSpec } from './layers';

/** Where each parameter lies in the one vector that holds them all. */
export interface ParameterLayout {
  readonly specs: readonly ParameterSpec[];
  readonly offsets: readonly number[];
  /** How many numbers the model has. */
  readonly total: number;
}

export function layOut(specs: readonly ParameterSpec[]): ParameterLayout {
  const offsets: number[] = [];
  let total = 0;
  for (const spec of specs) {
    offsets.push(total);
    total += sizeOf(spec.shape);
  }
  return { specs, offsets, total };
}

/** A source that notes in `specs` what a model asks for. */
export function noting(g: GraphBuilder, specs: ParameterSpec[]): ParameterSource {
  return (spec) => {
    specs.push(spec);
    return g.state(spec.name, spec.shape);
  };
}

/** A source that cuts parameters out of one vector, and lists the tensors it gave in `given`. */
export function slicing(
  g: GraphBuilder,
  vector: Tensor,
  layout: ParameterLayout,
  given: Tensor[],
): ParameterSource {
  return (spec) => {
    const i = given.length;
    const start = layout.offsets[i]!;
    const piece = g.slice(vector, 0, start, start + sizeOf(spec.shape));
    const tensor = g.reshape(piece, spec.shape);
    given.push(tensor);
    return tensor;
  };
}

/** Named tensors, as in a state dict. */
export type Weights = ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;

/** A source that gives trained values as constants. */
export function constants(g: GraphBuilder, weights: Weights): ParameterSource {
  return ({ name, shape }) => {
    const found = weights.get(name);
    if (!found) throw new Error(`the weights have no ${name}`);
    return g.constant(found.data, shape);
  };
}

/** Initial values of all parameters in one vector; parameter i is drawn from (seed, init, i). */
export function initialise(layout: ParameterLayout, seed: number): Float32Array {
  const vector = new Float32Array(layout.total);
  layout.specs.forEach((spec, index) => {
    const start = layout.offsets[index]!;
    const part = vector.subarray(start, start + sizeOf(spec.shape));
    const key = { seed, stream: Stream.init, index };
    if (spec.init.kind === 'constant') part.fill(spec.init.value);
    else if (spec.init.kind === 'normal') {
      const { deviation = 1 } = spec.init;
      normals(key, part).forEach((draw, i) => (part[i] = draw * deviation));
    } else {
      const { bound } = spec.init;
      uniforms(key, part).forEach((u, i) => (part[i] = (2 * u - 1) * bound));
    }
  });
  return vector;
}

/** The vector's parts by name; they share its memory. */
export function unpack(layout: ParameterLayout, vector: Float32Array): Weights {
  return new Map(
    layout.specs.map(({ name, shape }, i) => {
      const start = layout.offsets[i]!;
      return [name, { shape, data: vector.subarray(start, start + sizeOf(shape)) }];
    }),
  );
}

/** The reverse of {@link unpack}. */
export function pack(layout: ParameterLayout, weights: Weights): Float32Array {
  const vector = new Float32Array(layout.total);
  layout.specs.forEach(({ name }, i) => {
    const found = weights.get(name);
    if (!found) throw new Error(`the weights have no ${name}`);
    vector.set(found.data, layout.offsets[i]!);
  });
  return vector;
}
