import type { GraphBuilder } from '../graph/builder';
import type { Tensor } from '../graph/ops';

/** AdamW (Loshchilov and Hutter, 2019, Algorithm 2) after clipping the gradient's global norm. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Longest gradient that is taken as it is; null takes any. */
  readonly clipGradNorm: number | null;
}

export interface AdamWTensors {
  /** All parameters in one vector, as are the gradient and the moments. */
  readonly params: Tensor;
  readonly gradient: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** The scalars of {@link adamWScalars}. */
  readonly stepSize: Tensor;
  readonly invSqrtBias2: Tensor;
  readonly keep: Tensor;
}

export interface AdamWResult {
  readonly params: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  /** Norm of the gradient before clipping, a scalar. */
  readonly gradNorm: Tensor;
}

/** Keeps a gradient of norm 0 from being divided by 0, as PyTorch's `clip_grad_norm_`. */
const CLIP_EPS = 1e-6;

/** What depends on the step, for each run: a step counts from 1. */
export function adamWScalars(settings: AdamWSettings, step: number, lr: number, decay: number) {
  return {
    stepSize: lr / (1 - settings.beta1 ** step),
    invSqrtBias2: 1 / Math.sqrt(1 - settings.beta2 ** step),
    keep: 1 - lr * decay,
  };
}

/**
 * Adds one update to a graph. What is the same for all parameters is worked out on scalars first, since
 * each operation on a vector reads and writes the whole of it.
 */
export function adamW(g: GraphBuilder, settings: AdamWSettings, x: AdamWTensors): AdamWResult {
  const { beta1, beta2, eps, clipGradNorm } = settings;
  const squares = g.square(x.gradient);
  const gradNorm = g.sqrt(g.reduceSum(squares, [0]));
  const scale =
    clipGradNorm === null
      ? g.constant([1], [])
      : g.minimum(1, g.div(clipGradNorm, g.add(gradNorm, CLIP_EPS)));
  const mixed = (moment: Tensor, beta: number, part: Tensor, weight: Tensor) =>
    g.add(g.mul(moment, beta), g.mul(part, g.mul(weight, 1 - beta)));
  const expAvg = mixed(x.expAvg, beta1, x.gradient, scale);
  const expAvgSq = mixed(x.expAvgSq, beta2, squares, g.square(scale));
  // m·stepSize / (√v·invSqrtBias2 + eps), with the scalars brought together
  const denominator = g.add(g.sqrt(expAvgSq), g.div(eps, x.invSqrtBias2));
  const change = g.mul(g.div(expAvg, denominator), g.div(x.stepSize, x.invSqrtBias2));
  return { params: g.sub(g.mul(x.params, x.keep), change), expAvg, expAvgSq, gradNorm };
}
