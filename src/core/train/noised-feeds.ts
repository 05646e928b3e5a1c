import type { GraphBuilder } from '../graph/builder';
import type { Tensor } from '../graph/ops';
import { feedShapes, type ModelSignature } from '../nn/model';

/** A feed of one number an image, to multiply images with: `[N, 1, 1, 1]`. */
export function perImageFeed(g: GraphBuilder, name: string, batchSize: number): Tensor {
  return g.reshape(g.feed(name, [batchSize]), [batchSize, 1, 1, 1]);
}

/**
 * A batch as training feeds it, and noised: x_t = √ᾱ_t·x0 + √(1−ᾱ_t)·ε (Ho et al., 2020, eq. 4), all
 * `[N, C, H, W]`.
 */
export function noisedFeeds(
  g: GraphBuilder,
  signature: ModelSignature,
  batchSize: number,
): { readonly x0: Tensor; readonly eps: Tensor; readonly xt: Tensor } {
  const { image } = feedShapes(signature, batchSize);
  const x0 = g.feed('images', image);
  const eps = g.feed('noise', image);
  const signal = perImageFeed(g, 'sqrtAlphaBar', batchSize);
  const noise = perImageFeed(g, 'sqrtOneMinusAlphaBar', batchSize);
  return { x0, eps, xt: g.add(g.mul(signal, x0), g.mul(noise, eps)) };
}
