import path from 'node:path';
import { UserError } from '../base/errors';
import { exists } from '../base/files';
import { checkPipelineWeights, MODEL_INDEX, openPipeline } from './diffusers-folder';
import { WEIGHTS } from './net-weights';

/** Whether diffusers' `UNet2DModel.from_pretrained` would take the folder that a file lies in. */
export interface DiffusersVerdict {
  /** The pipeline's folder, or the net's where there is no pipeline around it. */
  readonly folder: string;
  /** Null: it is accepted. Else why not, in a sentence. */
  readonly refusal: string | null;
  /** What is odd but does not hinder, in sentences. */
  readonly warnings: readonly string[];
}

/** Judges the folder of a safetensors file by its names, its JSON files and the headers of its tensors. */
export async function judgeFolder(file: string): Promise<DiffusersVerdict> {
  const inner = path.dirname(path.resolve(file));
  const outer = path.dirname(inner);
  const folder = (await exists(path.join(outer, MODEL_INDEX))) ? outer : inner;
  const refused = (refusal: string) => ({ folder, refusal, warnings: [] });
  const name = path.basename(file);
  if (!(await exists(path.join(inner, 'config.json')))) {
    return refused(
      `There is no config.json beside ${name}, so diffusers cannot know what net it is.`,
    );
  }
  if (!isWeightsName(name)) {
    return refused(`diffusers reads ${WEIGHTS} there, not ${name}.`);
  }
  try {
    const pipeline = await openPipeline(folder);
    if (pipeline.model.type !== 'unet') {
      return refused(
        'The net is the tutorial CNN of Diffusion Lab, which diffusers does not have.',
      );
    }
    await checkPipelineWeights(pipeline);
    return { folder, refusal: null, warnings: pipeline.warnings };
  } catch (error) {
    if (error instanceof UserError) return refused(error.message);
    throw error;
  }
}

/** The one file, a shard of several, or a variant. */
function isWeightsName(name: string): boolean {
  return /^diffusion_pytorch_model(-\d{5}-of-\d{5}|\.[\w-]+)?\.safetensors$/.test(name);
}
