import { GraphBuilder } from '../graph/builder';
import { gradients } from '../graph/gradient';
import type { Graph, Tensor } from '../graph/ops';
import { Layers, type ParameterSource, type ParameterSpec } from '../nn/layers';
import {
  constants,
  layOut,
  noting,
  slicing,
  type ParameterLayout,
  type Weights,
} from '../nn/parameters';
import { adamW, type AdamWSettings } from '../nn/adamw';

/** The shape of a feature network. */
export interface FeatureNet {
  /** Side of the square images, in pixels. */
  readonly imageSize: number;
  readonly channels: number;
  /** Classes that it tells apart; of an untrained network any number, at least 1. */
  readonly classes: number;
}

/** Width of the feature space. */
export const FEATURES = 64;

const FIRST_CHANNELS = 16;
const MOST_CHANNELS = 128;
/** Maps are halved until they are no larger. */
const SMALLEST_MAP = 4;
const GROUP_CHANNELS = 8;
const NORM_EPS = 1e-5;
/** Logits are held within ±: a probability of 0 has no logarithm. */
const MOST_LOGIT = 30;

interface Outputs {
  /** `[N, FEATURES]`. */
  readonly features: Tensor;
  /** `[N, classes]`. */
  readonly logits: Tensor;
}

/**
 * A small convolutional classifier: a 3×3 convolution, then ones of stride 2 with twice the channels until
 * the map is small, then a layer of {@link FEATURES} and the logits.
 */
function build(g: GraphBuilder, net: FeatureNet, source: ParameterSource, images: Tensor): Outputs {
  const layers = new Layers(g, source, null);
  const block = (x: Tensor, name: string, channels: number, stride: number) => {
    const at = layers.at(name);
    const h = at.at('conv').conv(x, channels, { stride });
    return g.silu(at.at('norm').groupNorm(h, channels / GROUP_CHANNELS, NORM_EPS));
  };
  let channels = FIRST_CHANNELS;
  let h = block(images, 'block_0', channels, 1);
  for (let i = 1; h.shape[2]! > SMALLEST_MAP; i++) {
    channels = Math.min(2 * channels, MOST_CHANNELS);
    h = block(h, `block_${i}`, channels, 2);
  }
  const count = images.shape[0]!;
  const flat = g.reshape(h, [count, channels * h.shape[2]! * h.shape[3]!]);
  const features = g.silu(layers.at('features').linear(flat, FEATURES));
  const raw = layers.at('logits').linear(features, net.classes);
  const logits = g.mul(g.tanh(g.mul(raw, 1 / MOST_LOGIT)), MOST_LOGIT);
  return { features, logits };
}

function imagesFeed(g: GraphBuilder, { channels, imageSize }: FeatureNet, count: number): Tensor {
  return g.feed('images', [count, channels, imageSize, imageSize]);
}

export function featureNetLayout(net: FeatureNet): ParameterLayout {
  const g = new GraphBuilder();
  const specs: ParameterSpec[] = [];
  build(g, net, noting(g, specs), imagesFeed(g, net, 1));
  return layOut(specs);
}

/** Feed `images`; results `features` `[count, FEATURES]` and `logits` `[count, classes]`. */
export function featuresGraph(net: FeatureNet, weights: Weights, count: number): Graph {
  const g = new GraphBuilder();
  const { features, logits } = build(g, net, constants(g, weights), imagesFeed(g, net, count));
  g.result('features', features);
  g.result('logits', logits);
  return g.build();
}

export const CLASSIFIER_OPTIMISER: AdamWSettings = {
  beta1: 0.9,
  beta2: 0.999,
  eps: 1e-8,
  clipGradNorm: 1,
};

/**
 * A step of training by cross-entropy. Feeds: `images`, one-hot `targets` `[batch, classes]` and the scalars of
 * AdamW; states `params`, `expAvg`, `expAvgSq`; result `loss`, in nats.
 */
export function classifierStep(net: FeatureNet, layout: ParameterLayout, batch: number): Graph {
  const g = new GraphBuilder();
  const given: Tensor[] = [];
  const params = g.state('params', [layout.total]);
  const images = imagesFeed(g, net, batch);
  const { logits } = build(g, net, slicing(g, params, layout, given), images);
  const logProbabilities = g.log(g.softmax(logits));
  const targets = g.feed('targets', [batch, net.classes]);
  const loss = g.mul(g.reduceSum(g.mul(logProbabilities, targets), [0, 1]), -1 / batch);
  g.result('loss', loss);
  const gradient = g.concat(
    gradients(g, loss, given).map((t) => g.flatten(t)),
    0,
  );
  const moved = adamW(g, CLASSIFIER_OPTIMISER, {
    params,
    gradient,
    expAvg: g.state('expAvg', [layout.total]),
    expAvgSq: g.state('expAvgSq', [layout.total]),
    stepSize: g.feed('stepSize', []),
    invSqrtBias2: g.feed('invSqrtBias2', []),
    keep: g.feed('keep', []),
  });
  g.nextState('params', moved.params);
  g.nextState('expAvg', moved.expAvg);
  g.nextState('expAvgSq', moved.expAvgSq);
  return g.build();
}
