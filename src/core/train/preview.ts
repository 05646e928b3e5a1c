import type { TrainingConfig } from '../config/training-config';
import { writeGrid, type ImageBatch } from '../base/picture';
import type { Conditioning } from '../checkpoint/sidecar';
import {
  conditioningPlan,
  conditioningSettings,
  type ConditioningPlan,
  type ConditioningSettings,
} from '../sample/conditioning';
import type { Denoiser } from '../sample/denoiser';
import { guided, guidedBatch } from '../sample/guidance';
import { sampleToEnd, type Diffusion } from '../sample/sampler';
import type { Runtime } from '../runtime/runtime';
import { liveDenoiser } from './live-denoiser';
import type { Stepper } from './stepper';
import type { TrainingStepSettings } from './training-step';

/**
 * Draws the same images, from one fixed noise, with the weights as they are; of a class-conditional
 * model, each class in turn, under the guidance that sampling takes when it is not told otherwise.
 */
export class Previewer {
  private denoiser: Promise<Denoiser> | null = null;
  private readonly classSettings: ConditioningSettings;
  private readonly plan: ConditioningPlan;

  constructor(
    private readonly runtime: Runtime,
    private readonly step: TrainingStepSettings,
    private readonly stepper: Stepper,
    private readonly diffusion: Diffusion,
    private readonly config: TrainingConfig['training'],
    conditioning: Conditioning,
  ) {
    const pipeline = { path: 'the model', model: step.model, conditioning };
    this.classSettings = conditioningSettings(pipeline, {});
    this.plan = conditioningPlan(pipeline, this.classSettings);
  }

  /** Compiled at the first preview. */
  private open(): Promise<Denoiser> {
    this.denoiser ??= this.compile();
    return this.denoiser;
  }

  private async compile(): Promise<Denoiser> {
    try {
      const batchSize = guidedBatch(this.config.previewCount, this.plan.guidance);
      return await liveDenoiser(this.runtime, this.step, this.stepper.state, {
        batchSize,
        label: `Previewing ${batchSize} images`,
        remedy: 'preview fewer images (training.previewCount in a settings file)',
      });
    } catch (error) {
      this.denoiser = null;
      throw error;
    }
  }

  /** Writes the grid of images to `file`. */
  async draw(file: string, signal?: AbortSignal): Promise<ImageBatch> {
    const denoiser = guided(await this.open(), this.plan.guidance);
    const { signature, batchSize } = denoiser;
    const { seed, previewSteps } = this.config;
    const zeroTerminal = this.diffusion.schedule.alphaBars.at(-1) === 0;
    const data = await sampleToEnd({
      denoiser,
      diffusion: this.diffusion,
      settings: {
        solver: 'ddim',
        steps: previewSteps,
        spacing: zeroTerminal ? 'trailing' : 'leading',
        eta: 0,
        variance: 'fixed_small',
        clip: true,
        seed,
        ...this.classSettings,
      },
      classes: this.plan.classesOf(0, batchSize),
      signal,
    });
    const { channels, height, width } = signature;
    const images: ImageBatch = { data, shape: [batchSize, channels, height, width] };
    const settings = { seed, steps: previewSteps, solver: 'ddim', ...this.classSettings };
    await writeGrid(file, images, { settings });
    return images;
  }

  async dispose(): Promise<void> {
    await (await this.denoiser)?.dispose();
  }
}
