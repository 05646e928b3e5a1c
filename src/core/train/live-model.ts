import { parseSchedulerConfig, schedulerConfigJson } from '../checkpoint/scheduler-config';
import type { Denoiser } from '../sample/denoiser';
import { settingsFor, type DrawingModel } from '../sample/sampling-job';
import type { DeviceState } from '../runtime/runtime';
import { liveDenoiser } from './live-denoiser';
import type { TrainingSetup } from './setup';

/** What to do where evaluations do not fit the memory. */
export const WITHOUT = 'train without evaluations (--evaluate-every 0)';

/** The seed of the images that are evaluated, the same each time: what changes is the model. */
const SEED = 0;

/** The model with the weights as they are (their average, if there is one), compiled for some images at once. */
export class LiveModel implements DrawingModel {
  readonly pipeline;
  readonly diffusion;
  /** Those by which a checkpoint is drawn from where nothing else is asked for. */
  readonly settings;
  private compiled: Denoiser | null = null;

  constructor(
    private readonly setup: TrainingSetup,
    private readonly state: DeviceState,
  ) {
    const { model, conditioning, diffusion, config } = setup;
    const path = 'the model';
    const { sampling } = parseSchedulerConfig(schedulerConfigJson(config.schedule), path);
    this.pipeline = { path, model, conditioning, sampling };
    this.diffusion = diffusion;
    this.settings = settingsFor(this, { count: 1, seed: SEED });
  }

  /** Kept until it is asked for another number of images. */
  async compile(images: number): Promise<Denoiser> {
    if (this.compiled?.batchSize === images) return this.compiled;
    await this.dispose();
    const { runtime, step } = this.setup;
    this.compiled = await liveDenoiser(runtime, step, this.state, {
      batchSize: images,
      label: `Evaluating, ${images} images at once`,
      remedy: WITHOUT,
    });
    return this.compiled;
  }

  async dispose(): Promise<void> {
    const { compiled } = this;
    this.compiled = null;
    await compiled?.dispose();
  }
}
