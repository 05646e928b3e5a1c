import type { GraphBuilder } from '../graph/builder';
import type { Pads, Tensor } from '../graph/ops';
import { sizeOf, type Shape } from '../graph/shape';

/** How a parameter starts out. */
export type Initializer =
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly deviation?: number }
  | { readonly kind: 'constant'; readonly value: number };

export interface ParameterSpec {
  /** As in a diffusers state dict: `down_blocks.0.resnets.1.conv1.weight`. */
  readonly name: string;
  readonly shape: Shape;
  readonly init: Initializer;
}

/** Gives a model its parameters: as slices of a state, as constants, or only noting what it asks for. */
export type ParameterSource = (spec: ParameterSpec) => Tensor;

/** Gives the mask of a dropout layer: 0 with probability p, else 1/(1 − p). */
export type DropoutSource = (shape: Shape, p: number) => Tensor;

export const ACTIVATIONS = ['silu', 'swish', 'relu', 'gelu', 'mish'] as const;
export type Activation = (typeof ACTIVATIONS)[number];

function sameOnAllSides(padding: number): Pads {
  return [padding, padding, padding, padding];
}

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly pads?: Pads;
}

/**
 * Layers on a graph. Each takes its parameters from `source` under the name of this place in the
 * model; `at('conv1')` is the place `conv1` inside this one. Initial values are PyTorch's defaults.
 */
export class Layers {
  constructor(
    readonly g: GraphBuilder,
    private readonly source: ParameterSource,
    /** Null outside of training. */
    private readonly dropoutSource: DropoutSource | null,
    private readonly path = '',
  ) {}

  at(name: string): Layers {
    const path = this.path ? `${this.path}.${name}` : name;
    return new Layers(this.g, this.source, this.dropoutSource, path);
  }

  private scoped<T>(body: () => T): T {
    return this.g.scope(this.path, body);
  }

  private parameter(name: string, shape: Shape, init: Initializer): Tensor {
    return this.source({ name: `${this.path}.${name}`, shape, init });
  }

  /**
   * x `[N, Ci, H, W]` → `[N, out, H', W']`, 3×3 with padding 1 unless told otherwise. Weights and bias
   * start uniform within ±1/√fan-in.
   */
  conv(x: Tensor, out: number, options: ConvOptions = {}): Tensor {
    return this.scoped(() => {
      const { kernel = 3, stride = 1 } = options;
      const channels = x.shape[1]!;
      const init = { kind: 'uniform', bound: 1 / Math.sqrt(channels * kernel ** 2) } as const;
      const w = this.parameter('weight', [out, channels, kernel, kernel], init);
      const b = this.parameter('bias', [out], init);
      const pads = options.pads ?? sameOnAllSides((kernel - 1) / 2);
      return this.g.conv2d(x, w, b, { stride, pads });
    });
  }

  /** x `[R, in]` → `[R, out]`. Weights `[out, in]` and bias start uniform within ±1/√in. */
  linear(x: Tensor, out: number): Tensor {
    return this.scoped(() => {
      const width = x.shape[1]!;
      const init = { kind: 'uniform', bound: 1 / Math.sqrt(width) } as const;
      const w = this.parameter('weight', [out, width], init);
      const b = this.parameter('bias', [out], init);
      return this.g.add(this.g.matmul(x, w, false, true), b);
    });
  }

  /** One-hot rows `[N, count]` → their embeddings `[N, width]`; entries start as N(0, 1). */
  embedding(oneHot: Tensor, width: number): Tensor {
    return this.scoped(() => {
      const weight = this.parameter('weight', [oneHot.shape[1]!, width], { kind: 'normal' });
      return this.g.matmul(oneHot, weight);
    });
  }

  /**
   * Sines, then cosines, of 2π·w·log t for t `[N]`, at frequencies w that start as N(0, 16²)
   * (Tancik et al., 2020, as in Song et al., 2021) → `[N, 2·count]`.
   */
  fourierFeatures(t: Tensor, count: number): Tensor {
    return this.scoped(() => {
      const { g } = this;
      const weight = this.parameter('weight', [count], { kind: 'normal', deviation: 16 });
      const rows = g.reshape(g.log(t), [t.shape[0]!, 1]);
      const turns = g.mul(rows, g.reshape(weight, [1, count]));
      const angles = g.mul(turns, 2 * Math.PI);
      return g.concat([g.sin(angles), g.cos(angles)], 1);
    });
  }

  /** Group normalisation of x `[N, C, H, W]` (Wu and He, 2018), with a gain and a bias a channel. */
  groupNorm(x: Tensor, groups: number, eps: number): Tensor {
    return this.scoped(() => {
      const gamma = this.parameter('weight', [x.shape[1]!], { kind: 'constant', value: 1 });
      const beta = this.parameter('bias', [x.shape[1]!], { kind: 'constant', value: 0 });
      return groupNorm(this.g, x, gamma, beta, groups, eps);
    });
  }

  /** Zeroes each element with probability p in training; x itself outside of it. */
  dropout(x: Tensor, p: number): Tensor {
    if (p === 0 || !this.dropoutSource) return x;
    return this.g.mul(x, this.dropoutSource(x.shape, p));
  }
}

/** x `[N, C, …]` normalised over each of `groups` groups of channels; gamma and beta `[C]`. */
export function groupNorm(
  g: GraphBuilder,
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  groups: number,
  eps: number,
): Tensor {
  const [n, c] = x.shape as [number, number];
  const [y] = g.standardize(g.reshape(x, [n * groups, sizeOf(x.shape) / (n * groups)]), eps);
  const perChannel = [c, ...x.shape.slice(2).map(() => 1)];
  const scaled = g.mul(g.reshape(y, x.shape), g.reshape(gamma, perChannel));
  return g.add(scaled, g.reshape(beta, perChannel));
}

const FACTORED = Math.SQRT1_2;

export function activation(g: GraphBuilder, kind: Activation, x: Tensor): Tensor {
  switch (kind) {
    case 'silu':
    case 'swish':
      return g.silu(x);
    case 'relu':
      return g.relu(x);
    case 'gelu':
      return g.mul(g.mul(x, 0.5), g.add(g.erf(g.mul(x, FACTORED)), 1));
    case 'mish':
      return g.mul(x, g.tanh(g.softplus(x)));
  }
}

/**
 * Scaled dot-product attention of q, k, v `[N, T, C]` in `heads` heads of C/heads channels
 * (Vaswani et al., 2017, eq. 1).
 */
export function attention(g: GraphBuilder, q: Tensor, k: Tensor, v: Tensor, heads: number): Tensor {
  const [n, tokens, channels] = q.shape as [number, number, number];
  const width = channels / heads;
  const split = (x: Tensor) => g.transpose(g.reshape(x, [n, tokens, heads, width]), [0, 2, 1, 3]);
  const scores = g.matmul(g.mul(split(q), 1 / Math.sqrt(width)), split(k), false, true);
  const mixed = g.matmul(g.softmax(scores), split(v));
  return g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [n, tokens, channels]);
}

/**
 * Sinusoidal embedding of timesteps `[N]` → `[N, width]`: sines, then cosines, of t at frequencies
 * from 1 down to 1/10000 (Vaswani et al., 2017, 3.5), as diffusers' `get_timestep_embedding`.
 *
 * @param freqShift taken off the divisor of the exponent
 * @param cosFirst cosines before sines
 */
export function timestepEmbedding(
  g: GraphBuilder,
  timesteps: Tensor,
  width: number,
  freqShift: number,
  cosFirst: boolean,
): Tensor {
  const half = Math.floor(width / 2);
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.exp((-Math.log(10000) * i) / (half - freqShift)),
  );
  const rows = g.reshape(timesteps, [timesteps.shape[0]!, 1]);
  const angles = g.mul(rows, g.constant(frequencies, [1, half]));
  const waves = [g.sin(angles), g.cos(angles)];
  const joined = g.concat(cosFirst ? waves.reverse() : waves, 1);
  return width % 2 === 0 ? joined : g.pad(joined, [0, 0], [0, 1]);
}
