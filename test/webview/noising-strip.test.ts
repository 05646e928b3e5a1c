import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import { noise, readImage } from '../../src/engine/noising';
import {
  cleanImage,
  emptyPixels,
  evenTimesteps,
  toPixels,
} from '../../webview/noising/forward-process';
import { NoisingModel } from '../../webview/noising/model';
import { PRESETS } from '../../webview/noising/settings';
import { Scratch } from '../support/bundles';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A photo-like picture, wider than it is high. */
async function photo(): Promise<string> {
  const [width, height] = [48, 32];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7 + (i % 91)) % 256);
  const file = scratch.at('photo.png');
  await sharp(data, { raw: { width, height, channels: 3 } }).toFile(file);
  return file;
}

it.each([1, 3] as const)(
  'the exported strip is what the view shows, in %i channels',
  async (channels) => {
    const schedule = PRESETS[1]!.settings;
    const image = { path: await photo(), size: 16, channels };
    const at = evenTimesteps(schedule.timesteps, 8);
    const out = scratch.at(`strip-${channels}.png`);
    const exported = await noise({ image, schedule, at, seed: 3, out });

    const { pixels } = await readImage(image);
    const model = new NoisingModel(makeSchedule(schedule), 3);
    model.setImage(pixels);
    const shown = emptyPixels(cleanImage(pixels), at.length);
    const xt = new Float32Array(16 * 16 * channels);
    at.forEach((t, i) => toPixels(model.closedAt(t, xt), shown, i));
    expect(shown.data).toEqual(exported.strip.data);

    // The file has the same pixels: 8 pictures in a row, magnified, with 2 pixels around each.
    const written = await sharp(out).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const scale = (written.info.width - 9 * 2) / (8 * 16);
    for (const [picture, y, x] of [
      [0, 0, 0],
      [3, 5, 9],
      [7, 15, 15],
    ] as const) {
      const top = 2 + y * scale;
      const left = 2 + picture * (16 * scale + 2) + x * scale;
      const stored = written.data[(top * written.info.width + left) * written.info.channels];
      expect(stored).toBe(shown.data[((picture * 16 + y) * 16 + x) * channels]);
    }
  },
);
