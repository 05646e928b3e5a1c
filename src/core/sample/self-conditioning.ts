import { clipX0, makePredict, type Predict } from '../diffusion/prediction';
import type { Denoiser } from './denoiser';
import type { Diffusion } from './sampler';

/**
 * A model as the solvers see it, for one reverse process. A self-conditioned one is given, at each call, what
 * it made of the images at the call before: its x0, guided if it is, within [−1, 1] as in training; and zeros
 * at the first (Chen et al., 2022, "Analog Bits", Algorithm 2).
 *
 * @param classes of the images; null for a model without classes
 */
export function predictor(
  denoiser: Denoiser,
  { schedule, prediction }: Diffusion,
  classes: ArrayLike<number> | null,
): Predict {
  if (!denoiser.signature.selfCondition) {
    return makePredict(prediction, schedule, (xt, t) => denoiser.predict(xt, t, classes));
  }
  let estimate: Float32Array | null = null;
  const predict = makePredict(prediction, schedule, (xt, t) =>
    denoiser.predict(xt, t, classes, estimate),
  );
  return async (xt, t, level) => {
    const seen = await predict(xt, t, level);
    estimate = clipX0(seen.x0, true);
    return seen;
  };
}
