import { readImages, type LabelledImages } from '../data/images';
import { openReader } from '../data/reader';
import { splitOf } from '../data/split';
import type { Denoiser } from '../sample/denoiser';
import { lossByTimestep } from '../sample/model-loss';
import { liveDenoiser } from './live-denoiser';
import type { TrainingSetup } from './setup';
import type { Stepper } from './stepper';

/** Most images that are measured on. */
const MOST_IMAGES = 64;
/** Timesteps at which each is. */
const TIMESTEPS = 5;

/**
 * Measures the loss on held-out images with the weights as they are (their average, if there is one): the same
 * images, timesteps and noise each time, so that what changes is the model. A measurement takes about as long as
 * training on a hundred images.
 */
export class HeldOutLoss {
  private opened: Promise<{ images: LabelledImages; denoiser: Denoiser }> | null = null;

  constructor(
    private readonly setup: TrainingSetup,
    private readonly stepper: Stepper,
  ) {}

  /**
   * The mean squared error of the prediction, over images, pixels and timesteps. It is not stopped half-way: a
   * run that goes on would lack it.
   *
   * @throws UserError when the images are no longer there, or memory is short
   */
  async measure(): Promise<number> {
    this.opened ??= this.open();
    const { images, denoiser } = await this.opened.catch((error: unknown) => {
      this.opened = null;
      throw error;
    });
    const { diffusion } = this.setup;
    const found = await lossByTimestep(denoiser, diffusion, images, TIMESTEPS);
    return found.reduce((sum, { loss }) => sum + loss, 0) / found.length;
  }

  private async open() {
    const { source, config, runtime, step } = this.setup;
    const images = heldOutImages(this.setup);
    const denoiser = await liveDenoiser(runtime, step, this.stepper.state, {
      batchSize: Math.min(images.count, config.training.batchSize),
      label: `Measuring on held-out images of ${source.spec}`,
      remedy: 'make the batch smaller (--batch-size)',
    });
    return { images, denoiser };
  }

  async dispose(): Promise<void> {
    await (await this.opened)?.denoiser.dispose();
  }
}

function heldOutImages({ source, config }: TrainingSetup): LabelledImages {
  const reader = openReader(source);
  try {
    return readImages(reader, splitOf(source, config.holdOut).heldOut.subarray(0, MOST_IMAGES));
  } finally {
    reader.close();
  }
}
