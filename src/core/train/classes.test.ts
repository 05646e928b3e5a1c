import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, hashes, TrainingScratch, type Events } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { cpu } from '../../../test/support/values';
import { readPictureSettings } from '../base/picture';
import { describePath } from '../checkpoint/describe';
import { openPipeline } from '../checkpoint/diffusers-folder';
import { SIDECAR } from '../checkpoint/sidecar';
import { exportDiffusers } from '../sample/export-diffusers';
import { openModel, sampleImages, type SamplingWishes } from '../sample/sampling-job';

const scratch = new TrainingScratch();
const config = tinyConfig({ classes: true, schedule: { timesteps: 20 } });
const digits = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
let run: Events;
let checkpoint: string;

beforeAll(async () => {
  await scratch.prepare();
  run = await collect(scratch.start(config, scratch.at('run')));
  checkpoint = run.of('checkpoint').at(-1)!.path;
});
afterAll(() => scratch.remove());

async function drawn(wishes: Partial<SamplingWishes>): Promise<Float32Array> {
  const model = await openModel(checkpoint);
  const all: SamplingWishes = { count: 4, seed: 1, solver: 'ddim', steps: 3, ...wishes };
  for await (const event of sampleImages(cpu, model, all)) {
    if (event.type === 'done') return event.images.data;
  }
  throw new Error('no images');
}

describe('a class-conditional run', () => {
  it('keeps the names of its classes, and a null class after the last', async () => {
    const sidecar = JSON.parse(readFileSync(path.join(checkpoint, SIDECAR), 'utf8')) as unknown;
    expect(sidecar).toEqual({ format: 1, classNames: digits, nullClass: 10 });
    const about = await describePath(checkpoint);
    expect(about).toMatchObject({ classes: { names: digits, nullClass: 10 } });
    const unet = JSON.parse(
      readFileSync(path.join(checkpoint, 'unet', 'config.json'), 'utf8'),
    ) as Record<string, unknown>;
    expect(unet.num_class_embeds).toBe(11);
  });

  it('goes on exactly after a stop', async () => {
    await scratch.stoppedAt(5, config, scratch.at('cut'));
    await collect(scratch.goOn(scratch.at('cut')));
    const cut = hashes(path.join(scratch.at('cut'), 'checkpoints', 'step-000012'), /safetensors$/);
    expect(cut).toEqual(hashes(checkpoint, /safetensors$/));
  });

  it('draws previews of each class in turn, under guidance, and says so', async () => {
    const preview = run.of('preview').at(-1)!;
    expect(await readPictureSettings(preview.path)).toMatchObject({ guidance: 2, solver: 'ddim' });
    const model = await openModel(checkpoint);
    const wishes = { count: 4, seed: 3, solver: 'ddim', steps: 5 } as const;
    for await (const event of sampleImages(cpu, model, wishes)) {
      if (event.type !== 'done') continue;
      expect(event.classes).toEqual([0, 1, 2, 3]);
      const worst = event.images.data.reduce(
        (most, x, i) => Math.max(most, Math.abs(x - preview.images.data[i]!)),
        0,
      );
      expect(worst).toBeLessThan(1e-4);
    }
  });

  it('draws images of a class by name or number, the same in any batch', async () => {
    const three = await drawn({ classes: ['3'] });
    expect(three).toEqual(await drawn({ classes: ['3'], atOnce: 2 }));
    expect(three).not.toEqual(await drawn({ classes: ['4'] }));
    const turns = await drawn({ classes: ['3', '4'] });
    const size = turns.length / 4;
    expect(turns.subarray(0, size)).toEqual(three.subarray(0, size));
  });

  it('gives every image one noise where that is asked for, whatever batch it is in', async () => {
    const same = { classes: ['3'], guidance: 1, sameNoise: true, solver: 'ddpm' } as const;
    const images = await drawn(same);
    const size = images.length / 4;
    const [first, second] = [images.subarray(0, size), images.subarray(size, 2 * size)];
    second.forEach((x, i) => expect(x).toBeCloseTo(first[i]!, 4));
    const alone = (await drawn({ ...same, atOnce: 1 })).subarray(3 * size);
    alone.forEach((x, i) => expect(x).toBeCloseTo(first[i]!, 4));
  });

  it('says which classes there are where one is not known', async () => {
    await expect(drawn({ classes: ['cat'] })).rejects.toThrow(
      /--class is 'cat', which .* does not know; its classes are 0, 1, 2, .*9\.$/,
    );
    await expect(drawn({ guidance: -1 })).rejects.toThrow(/--guidance is -1; give a number/);
    await expect(drawn({ guidanceRescale: 2 })).rejects.toThrow(/--guidance-rescale is 2; give/);
  });

  it('keeps its classes when it is exported', async () => {
    const out = scratch.at('exported');
    await exportDiffusers(await openModel(checkpoint), out);
    const { conditioning } = await openPipeline(out);
    expect(conditioning).toEqual({ classNames: digits, nullClass: 10 });
  });

  it('learns what its classes look like: sub-folders of dark and of bright images', async () => {
    const dataset = scratch.at('shades');
    for (const [name, level] of [
      ['bright', 230],
      ['dark', 25],
    ] as const) {
      mkdirSync(path.join(dataset, name), { recursive: true });
      for (let i = 0; i < 4; i++) {
        const background = { r: level + i, g: level + i, b: level + i };
        const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
        await image.png().toFile(path.join(dataset, name, `${i}.png`));
      }
    }
    const events = await collect(
      scratch.start({
        ...tinyConfig({
          classes: true,
          schedule: { prediction: 'x0', timesteps: 20 },
          training: { steps: 80, lr: 1e-2, warmupSteps: 5, checkpointEvery: 0, previewEvery: 0 },
        }),
        dataset,
      }),
    );
    checkpoint = events.of('checkpoint').at(-1)!.path;
    const brightness = async (name: string) => {
      const images = await drawn({ classes: [name], count: 8 });
      return images.reduce((sum, x) => sum + x, 0) / images.length;
    };
    expect(await brightness('bright')).toBeGreaterThan(0.4);
    expect(await brightness('dark')).toBeLessThan(-0.4);
  });
});

describe('classes that cannot be learnt', () => {
  async function folderOfImages(): Promise<string> {
    const folder = scratch.at('plain.png');
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
    await image.png().toFile(folder);
    return scratch.path;
  }

  it('are refused: a data set without labels', async () => {
    const dataset = await folderOfImages();
    const start = scratch.start({ ...config, dataset, channels: 3 }, scratch.at('none'));
    await expect(collect(start)).rejects.toThrow(/has no class labels, which --classes needs: put/);
  });

  it('are refused: the tutorial’s network', async () => {
    const model = { type: 'tutorial-cnn' as const, hiddenChannels: [4] };
    await expect(collect(scratch.start({ ...config, model }))).rejects.toThrow(
      /--classes needs a U-Net, and --model is tutorial-cnn/,
    );
  });

  it('leave no null class without dropout, and then guidance is refused', async () => {
    const bare = tinyConfig({ classes: true, training: { classDropout: 0, steps: 3 } });
    const events = await collect(scratch.start(bare, scratch.at('bare')));
    const model = await openModel(events.of('checkpoint').at(-1)!.path);
    expect(model.pipeline.conditioning).toEqual({ classNames: digits, nullClass: null });
    const wishes = { count: 1, seed: 0, solver: 'ddim', steps: 2 } as const;
    const first = sampleImages(cpu, model, { ...wishes, guidance: 3 }).next();
    await expect(first).rejects.toThrow(/has no null class, which guidance needs.*--guidance 1\.$/);
  });
});
