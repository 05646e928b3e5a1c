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

/** Adds one update to a graph. */
export function adamW(g: GraphBuilder, settings: AdamWSettings, x: AdamWTensors): AdamWResult {
  const { beta1, beta2, eps, clipGradNorm } = settings;
  const gradNorm = g.sqrt(g.reduceSum(g.square(x.gradient), [0]));
  const scale =
    clipGradNorm === null ? null : g.minimum(1, g.div(clipGradNorm, g.add(gradNorm, CLIP_EPS)));
  const gradient = scale ? g.mul(x.gradient, scale) : x.gradient;
  const expAvg = g.add(g.mul(x.expAvg, beta1), g.mul(gradient, 1 - beta1));
  const expAvgSq = g.add(g.mul(x.expAvgSq, beta2), g.mul(g.square(gradient), 1 - beta2));
  const denominator = g.add(g.mul(g.sqrt(expAvgSq), x.invSqrtBias2), eps);
  const change = g.div(g.mul(expAvg, x.stepSize), denominator);
  return { params: g.sub(g.mul(x.params, x.keep), change), expAvg, expAvgSq, gradNorm };
}
