import { exportPipeline } from '../checkpoint/diffusers-folder';
import type { SampledModel } from './sampling-job';

/**
 * Writes a model as a folder that `DDPMPipeline.from_pretrained` loads, whole or not at all.
 *
 * @throws UserError if it cannot be written
 */
export async function exportDiffusers(model: SampledModel, out: string): Promise<void> {
  const { pipeline, weights } = model;
  const tensors = [...weights].map(([name, { shape, data }]) => ({ name, shape, data }));
  const { model: net, schedule, conditioning } = pipeline;
  await exportPipeline(out, { model: net, schedule, conditioning, weights: tensors });
}
