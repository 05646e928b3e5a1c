import { StoppedError } from '../../core/base/errors';
import { describeSampling } from '../../core/sample/describe-sampling';
import { denoiseImages, denoisingWishes } from '../../core/sample/denoising-job';
import { sampleImages, settingsFor } from '../../core/sample/sampling-job';
import type { Surroundings } from '../../core/train/setup';
import { OpenDevices } from './open-devices';
import { OpenModels } from './open-models';
import type { DrawingEvent, SamplingTask } from './protocol';

/** Draws images with models and devices that stay open for the next sampling. */
export class Sampler {
  private readonly devices: OpenDevices;
  private readonly models = new OpenModels();

  constructor(private readonly surroundings: Surroundings) {
    this.devices = new OpenDevices(surroundings);
  }

  /** @throws UserError if the settings do not fit; StoppedError when `signal` is aborted */
  async *draw(
    { model: target, wishes, from, device, threads }: SamplingTask,
    signal: AbortSignal,
  ): AsyncGenerator<DrawingEvent, void, undefined> {
    if (signal.aborted) throw new StoppedError('stopped');
    const { versions, defaultThreads } = this.surroundings;
    const model = await this.models.get(target);
    const asked = from ? denoisingWishes(model, from, wishes) : wishes;
    settingsFor(model, asked);
    const about = describeSampling(model, asked, versions['diffusion-lab'] ?? '');
    const settings = from ? { ...about, from: from.t } : about;
    const { cache, runtime, choice } = await this.devices.get(device, threads ?? defaultThreads);
    yield {
      type: 'opened',
      settings,
      device: runtime.description,
      deviceReason: choice.why,
      warnings: model.pipeline.warnings,
    };
    if (from) yield* denoiseImages(cache, model, from, wishes, signal);
    else yield* sampleImages(cache, model, wishes, signal);
  }
}
