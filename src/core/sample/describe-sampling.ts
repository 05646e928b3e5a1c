import { createHash } from 'node:crypto';
import path from 'node:path';
import { settingsFor, type SampledModel, type SamplingWishes } from './sampling-job';

/** What a picture says of itself: the same for the same weights, wherever they lie. */
export function describeSampling(
  model: SampledModel,
  wishes: SamplingWishes,
  version: string,
): Record<string, unknown> {
  return {
    program: `diffusion-lab ${version}`,
    model: path.basename(path.resolve(model.pipeline.path)),
    weights: weightsFingerprint(model),
    count: wishes.count,
    ...settingsFor(model, wishes),
  };
}

function weightsFingerprint({ weights }: SampledModel): string {
  const hash = createHash('sha256');
  for (const { data } of weights.values()) hash.update(data);
  return hash.digest('hex').slice(0, 16);
}
