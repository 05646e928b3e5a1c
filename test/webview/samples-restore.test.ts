import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridPng, readPictureSettings } from '../../src/core/base/picture';
import { takes } from '../../src/core/diffusion/solvers';
import { describeSampling } from '../../src/core/sample/describe-sampling';
import {
  openModel,
  sampleImages,
  type SampledModel,
  type SamplingWishes,
} from '../../src/core/sample/sampling-job';
import type { SampleForm } from '../../webview/protocol';
import { settingsInPng } from '../../webview/samples/png-settings';
import { restoredForm } from '../../webview/samples/restore';
import { noisePixels } from '../../webview/samples/scrub';
import { initialNoise } from '../../src/core/diffusion/noise';
import { pixelsOf } from '../../src/engine/pixels';
import { Scratch } from '../support/bundles';
import { cpu } from '../support/values';

const PIPELINE = path.resolve(__dirname, '../fixtures/sample/pipeline');
const scratch = new Scratch();
let model: SampledModel;

beforeAll(async () => {
  model = await openModel(PIPELINE);
});
afterAll(() => scratch.remove());

const OTHER: SampleForm = {
  model: '/runs/a/checkpoints/step-000500',
  solver: 'ddpm',
  steps: 3,
  eta: 0,
  seed: 0,
  count: 1,
  spacing: null,
  variance: null,
};
const KNOWN = {
  choices: [
    { path: OTHER.model, label: 'a' },
    { path: PIPELINE, label: 'pipeline' },
  ],
  weights: {},
};

async function pngOf(wishes: SamplingWishes): Promise<Uint8Array> {
  for await (const event of sampleImages(cpu, model, wishes)) {
    if (event.type !== 'done') continue;
    return gridPng(event.images, { settings: describeSampling(model, wishes, '1.0') });
  }
  throw new Error('no images');
}

function wishesOf({
  steps,
  eta,
  spacing,
  variance,
  own,
  classes: _,
  solver,
  ...form
}: SampleForm): SamplingWishes {
  if (solver === null) throw new Error('a saved picture names its solver');
  return {
    ...form,
    solver,
    ...own,
    ...(takes(solver, 'eta') && { eta }),
    ...(steps !== null && { steps }),
    ...(spacing !== null && { spacing }),
    ...(variance !== null && takes(solver, 'variance') && { variance }),
  };
}

describe('a saved picture', () => {
  it.each<Partial<SamplingWishes>>([
    { solver: 'ddim', eta: 0.5 },
    { solver: 'ddim', threshold: 0.9, thresholdMax: 1.5 },
    { solver: 'ddpm', variance: 'fixed_large' },
    { solver: 'pndm', skipPrk: true },
    { solver: 'dpmsolver++', order: 3, karras: true },
    { solver: 'unipc', order: 1, bh: 'bh1', threshold: 0.9 },
    { solver: 'euler-ancestral' },
  ])('restores the settings that draw it again, byte for byte: %j', async (asked) => {
    const png = await pngOf({ count: 3, seed: 5, steps: 4, spacing: 'trailing', ...asked });
    const file = scratch.at('samples.png');
    await writeFile(file, png);
    const settings = await settingsInPng(await readFile(file));
    expect(settings).toEqual(await readPictureSettings(file));
    const restored = restoredForm(settings, OTHER, KNOWN)!;
    expect(restored.message).toBe('The settings of the picture are restored.');
    expect(restored.form).toMatchObject({ model: PIPELINE, count: 3, seed: 5, steps: 4 });
    expect(restored.form.solver).toBe(asked.solver);
    expect(Buffer.compare(await pngOf(wishesOf(restored.form)), png)).toBe(0);
  });

  it('is found by its weights where they were sampled, whatever the folder is called', async () => {
    const settings = { solver: 'ddim', model: 'step-000500', weights: 'cafe', steps: 1 };
    const known = { ...KNOWN, weights: { cafe: PIPELINE } };
    expect(restoredForm(settings, OTHER, known)!.form.model).toBe(PIPELINE);
    expect(restoredForm(settings, OTHER, KNOWN)!.form.model).toBe(OTHER.model);
  });

  it('restores classes, guidance and a grid of them', () => {
    const asked = (settings: object) =>
      restoredForm({ solver: 'ddim', ...settings }, OTHER, KNOWN)!.form.classes;
    expect(asked({})).toBeUndefined();
    expect(asked({ guidance: 2 })).toEqual({ names: null, guidance: 2, rescale: 0, grid: null });
    const one = { classes: ['cat'], guidance: 3, guidanceRescale: 0.7 };
    expect(asked(one)).toEqual({ names: ['cat'], guidance: 3, rescale: 0.7, grid: null });
    const cells = ['cat', 'cat', 'dog', 'dog'];
    const grid = { names: ['cat', 'dog'], scales: [1, 4] };
    expect(asked({ classes: cells, guidance: [1, 4], sameNoise: true })).toMatchObject({ grid });
    expect(asked({ classes: [3], guidance: 'x' })).toBeUndefined();
  });

  it('of a model that is not here says so, and of nonsense is refused', () => {
    const gone = restoredForm({ solver: 'ddim', model: 'cats', count: 500 }, OTHER, KNOWN)!;
    expect(gone.message).toContain('Its model, cats, is not here: choose one.');
    expect(gone.form).toMatchObject({ model: OTHER.model, count: 64, seed: 0 });
    const odd = { solver: 'ddim', steps: -1, eta: 'x', seed: 1.5, spacing: 7 };
    expect(restoredForm(odd, OTHER, KNOWN)!.form).toMatchObject({
      steps: null,
      eta: 0,
      seed: 0,
      spacing: null,
    });
    for (const nothing of [undefined, null, 'ddim', {}, { solver: 'magic' }]) {
      expect(restoredForm(nothing, OTHER, KNOWN)).toBeNull();
    }
  });

  it('without settings, or torn, gives none', async () => {
    const plain = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(await settingsInPng(plain)).toBeUndefined();
    expect(await settingsInPng(new Uint8Array())).toBeUndefined();
    const whole = await pngOf({ count: 1, seed: 0, solver: 'ddim', steps: 1 });
    const settings = await settingsInPng(whole);
    expect(settings).toMatchObject({ count: 1, steps: 1 });
    for (let length = 0; length < whole.length; length += 7) {
      const found = await settingsInPng(whole.subarray(0, length));
      expect([undefined, settings]).toContainEqual(found);
    }
  });
});

it('draws the noise that the engine starts from', () => {
  const like = { data: new Uint8Array(0), count: 2, height: 4, width: 3, channels: 3 };
  const data = initialNoise({ seed: 9, firstSample: 0, sampleSize: 36 }, new Float32Array(72));
  expect(noisePixels(9, like)).toEqual(pixelsOf({ data, shape: [2, 3, 4, 3] }));
  data.copyWithin(36, 0, 36);
  expect(noisePixels(9, like, true)).toEqual(pixelsOf({ data, shape: [2, 3, 4, 3] }));
});
