import type { TrainingConfig } from '../config/training-config';
import { writeGrid, type ImageBatch } from '../base/picture';
import { createLiveDenoiser, type Denoiser } from '../sample/denoiser';
import { sampleToEnd, type Diffusion } from '../sample/sampler';
import type { Runtime } from '../runtime/runtime';
import type { Stepper } from './stepper';
import { STATE, type TrainingStepSettings } from './training-step';

/** Draws the same images, from one fixed noise, with the weights as they are. */
export class Previewer {
  private denoiser: Promise<Denoiser> | null = null;

  constructor(
    private readonly runtime: Runtime,
    private readonly step: TrainingStepSettings,
    private readonly stepper: Stepper,
    private readonly diffusion: Diffusion,
    private readonly config: TrainingConfig['training'],
  ) {}

  /** Compiled at the first preview. */
  private open(): Promise<Denoiser> {
    this.denoiser ??= this.compile();
    return this.denoiser;
  }

  private async compile(): Promise<Denoiser> {
    try {
      return await createLiveDenoiser(this.runtime, this.step.model, this.step.layout, {
        state: this.stepper.state,
        vector: this.step.ema ? STATE.ema : STATE.params,
        batchSize: this.config.previewCount,
      });
    } catch (error) {
      this.denoiser = null;
      throw error;
    }
  }

  /** Writes the grid of images to `file`. */
  async draw(file: string, signal?: AbortSignal): Promise<ImageBatch> {
    const denoiser = await this.open();
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
      },
      classes: previewClasses(signature.classes, batchSize),
      signal,
    });
    const { channels, height, width } = signature;
    const images: ImageBatch = { data, shape: [batchSize, channels, height, width] };
    await writeGrid(file, images, { settings: { seed, steps: previewSteps, solver: 'ddim' } });
    return images;
  }

  async dispose(): Promise<void> {
    await (await this.denoiser)?.dispose();
  }
}

/** Each class in turn. */
function previewClasses(classes: number | null, count: number): number[] | null {
  return classes === null ? null : Array.from({ length: count }, (_, i) => i % classes);
}
