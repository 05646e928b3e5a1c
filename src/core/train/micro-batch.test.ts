import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../test/support/fixtures';
import { batchesOf, openStepper, takeSteps, tinyConfig } from '../../../test/support/training';
import { cpu } from '../../../test/support/values';
import { modelConfigOf } from '../config/check';
import type { Runtime } from '../runtime/runtime';
import { mostImagesAtOnce, partOfFeeds, partsOf } from './micro-batch';

/** A U-Net whose largest activation has 2·width·side² numbers: what enters the last level's blocks. */
function unet(side: number, width: number) {
  const { model } = tinyConfig({
    model: { blockOutChannels: [width, width], attention: [false, false] } as object,
  });
  return modelConfigOf(model, { imageSize: side, channels: 1 });
}

describe('the parts of a batch', () => {
  it.each([
    [64, Infinity, 1, 64],
    [64, 16, 4, 16],
    [64, 20, 4, 16],
    [31, 16, 2, 16],
    [7, 3, 3, 3],
    [5, 1, 5, 1],
    [1, 1, 1, 1],
  ])('of %d images, at most %d at once: %d of %d', (batch, most, count, size) => {
    expect(partsOf(batch, most)).toEqual({ count, size });
  });

  it('are whole on a GPU, and on the CPU the smaller the larger the activations', () => {
    expect(mostImagesAtOnce(unet(64, 32), 'webgpu')).toBe(Infinity);
    expect(mostImagesAtOnce(unet(64, 32), 'cpu')).toBe(Math.floor(6.4e6 / (2 * 32 * 64 * 64)));
    expect(mostImagesAtOnce(unet(32, 32), 'cpu')).toBe(Math.floor(6.4e6 / (2 * 32 * 32 * 32)));
    expect(mostImagesAtOnce(unet(1024, 16), 'cpu')).toBe(1);
  });

  it('fill up with images of no weight, and the others weigh as much more', () => {
    const feeds = { images: Float32Array.of(1, 1, 2, 2, 3, 3), weights: Float32Array.of(1, 2, 3) };
    const parts = partsOf(3, 2);
    const [first, second] = [0, 1].map((i) => partOfFeeds(feeds, 3, parts, i));
    expect(first!.images).toEqual(Float32Array.of(1, 1, 2, 2));
    expect(second!.images).toEqual(Float32Array.of(3, 3, 1, 1));
    expect(first!.weights).toEqual(Float32Array.of(4 / 3, 8 / 3));
    expect(second!.weights).toEqual(Float32Array.of(4, 0));
  });
});

describe('a step in parts', () => {
  // Attention between 1024 pixels makes two parts of seven images, so that a place stays over.
  const config = tinyConfig({
    imageSize: 32,
    dataset: 'digits',
    model: { blockOutChannels: [4, 4], attention: [true, false], dropout: 0.2 } as object,
    training: { batchSize: 7, minSnrGamma: 5, accumulate: 2 },
  });
  const selfConditioned = { ...config, model: { ...config.model, selfCondition: true } } as const;
  /** The same CPU, which is not asked for parts. */
  const whole: Runtime = {
    device: 'webgpu',
    description: 'cpu without parts',
    compile: (graph, options) => cpu.compile(graph, options),
    createState: (initial) => cpu.createState(initial),
  };

  it.each([
    ['plain', config],
    ['self-conditioned', selfConditioned as typeof config],
  ])('has the losses, gradients and masks of the whole step: %s', async (_, config) => {
    const model = modelConfigOf(config.model, { imageSize: 32, channels: 1 });
    expect(partsOf(7, mostImagesAtOnce(model, 'cpu'))).toEqual({ count: 2, size: 4 });
    const batches = await batchesOf(config, 4);
    const steppers = [await openStepper(cpu, config), await openStepper(whole, config)] as const;
    const parts = await takeSteps(steppers[0], config, batches);
    const once = await takeSteps(steppers[1], config, batches);
    parts.forEach((result, i) => {
      expect(result.images.map(({ t }) => t)).toEqual(once[i]!.images.map(({ t }) => t));
      result.images.forEach(({ loss }, j) =>
        expect(loss / once[i]!.images[j]!.loss - 1).toBeCloseTo(0, 4),
      );
      expect(result.loss / once[i]!.loss - 1).toBeCloseTo(0, 5);
      expect(result.gradNorm / once[i]!.gradNorm - 1).toBeCloseTo(0, 4);
    });
    const [a, b] = [await steppers[0].read(), await steppers[1].read()];
    expect(relativeError(a.expAvg, b.expAvg)).toBeLessThan(1e-4);
    expect(relativeError(a.params, b.params)).toBeLessThan(1e-5);
    for (const stepper of steppers) await stepper.dispose();
  });
});
