import { stat } from 'node:fs/promises';
import path from 'node:path';
import { pipelineFolderOf } from '../../core/checkpoint/describe';
import { openModel, type SampledModel } from '../../core/sample/sampling-job';

/** Models whose weights are kept for the next sampling. */
const MOST_MODELS = 3;

/** The models of the last samplings. */
export class OpenModels {
  private readonly models = new Map<string, SampledModel>();

  /**
   * Reads a model, or takes it from the last samplings if its files are the same.
   *
   * @throws UserError if there is none, or it is broken
   */
  async get(target: string): Promise<SampledModel> {
    const folder = path.resolve(await pipelineFolderOf(target));
    const key = await stampOf(folder);
    const model = this.models.get(key) ?? (await openModel(folder));
    this.models.delete(key);
    this.models.set(key, model);
    const [oldest] = this.models.keys();
    if (this.models.size > MOST_MODELS) this.models.delete(oldest!);
    return model;
  }
}

/** A model's folder and the state of its files: another where they were written anew. */
async function stampOf(folder: string): Promise<string> {
  const files = ['unet/diffusion_pytorch_model.safetensors', 'scheduler/scheduler_config.json'];
  const stamps = await Promise.all(
    ['.', ...files].map((file) =>
      stat(path.join(folder, file)).then(
        ({ mtimeMs, size }) => `${mtimeMs}:${size}`,
        () => '–',
      ),
    ),
  );
  return [folder, ...stamps].join('\n');
}
