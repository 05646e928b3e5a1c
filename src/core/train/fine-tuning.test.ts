import { mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, hashes, TrainingScratch, type Events } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import type { PartialTrainingConfig } from '../config/training-config';
import { openModel, type SampledModel } from '../sample/sampling-job';
import { frozenBy } from './fine-tuning';

const scratch = new TrainingScratch();
const FIXTURE = path.resolve(__dirname, '../../../test/fixtures/sample/pipeline');
const SELF_CONDITIONED = path.resolve(__dirname, '../../../test/fixtures/self-condition/pipeline');
/** The settings' own model, which --from takes the place of, but for this. */
const ASKED = { ...tinyConfig().model, selfCondition: true } as object;
const saved = (name: string) => path.resolve(__dirname, '../../../test/fixtures/diffusers', name);
let base: string;

beforeAll(async () => {
  await scratch.prepare();
  base = scratch.at('base');
  await collect(scratch.start(tinyConfig({ classes: true, schedule: { prediction: 'v' } }), base));
});
afterAll(() => scratch.remove());

/** Fine-tunes for a step so small that nothing but fresh values can differ. */
function tune(out: string, changes: PartialTrainingConfig): Promise<Events> {
  const { training, ...rest } = changes;
  const still = { steps: 1, warmupSteps: 0, lr: 1e-30, emaDecay: 0, previewEvery: 0, ...training };
  const config = tinyConfig({ ...rest, training: still });
  const open = { ...config, imageSize: undefined, channels: undefined };
  return collect(scratch.start({ ...open, ...rest } as typeof config, scratch.at(out)));
}

async function weightsOf(run: string): Promise<SampledModel['weights']> {
  return (await openModel(run)).weights;
}

describe('fine-tuning', () => {
  it('begins from the weights, the schedule and the size of a run', async () => {
    const events = await tune('same', { from: base, classes: true });
    expect(events.of('warning')).toEqual([]);
    expect(events.of('started')[0]!.config).toMatchObject({
      imageSize: 8,
      channels: 1,
      schedule: { timesteps: 20, prediction: 'v' },
    });
    const [before, after] = [await weightsOf(base), await weightsOf(scratch.at('same'))];
    for (const [name, { data }] of before) expect(after.get(name)!.data, name).toEqual(data);
  });

  it('takes a folder that diffusers wrote, and gives its unconditional net classes', async () => {
    const events = await tune('classes', { from: FIXTURE, classes: true });
    expect(events.of('warning').map(({ message }) => message)).toEqual([
      expect.stringContaining('so their embedding begins anew') as string,
    ]);
    const [before, after] = [await weightsOf(FIXTURE), await weightsOf(scratch.at('classes'))];
    for (const [name, { data }] of before) {
      // A step of 1e-30 shows where a value is 0.
      const moved = data.some((value, i) => Math.abs(value - after.get(name)!.data[i]!) > 1e-20);
      expect([name, moved]).toEqual([name, false]);
    }
    expect(after.get('class_embedding.weight')!.shape[0]).toBe(11);
    expect(after.size).toBe(before.size + 1);
  });

  it('trains a self-conditioned net on as such', async () => {
    const asked = { classes: true, model: ASKED };
    await tune('self', { from: SELF_CONDITIONED, ...asked, training: { steps: 3, lr: 1e-3 } });
    const [before, after] = [
      await openModel(SELF_CONDITIONED),
      await openModel(scratch.at('self')),
    ];
    expect(after.pipeline.model).toMatchObject({ selfCondition: true, config: { in_channels: 2 } });
    const [from, to] = [before, after].map(({ weights }) => weights.get('conv_in.weight')!.data);
    expect(from!.some((x) => x !== 0)).toBe(true);
    expect(Math.max(...from!.map((x, i) => Math.abs(x - to![i]!)))).toBeLessThan(0.01);
    expect(to).not.toEqual(from);
  });

  it('begins anew only the embedding of classes that are others', async () => {
    const dataset = scratch.at('shades');
    for (const name of ['bright', 'dark']) {
      mkdirSync(path.join(dataset, name), { recursive: true });
      const background = name === 'dark' ? '#111' : '#eee';
      const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
      await image
        .toColourspace('b-w')
        .png()
        .toFile(path.join(dataset, name, '0.png'));
    }
    await tune('other', { from: base, classes: true, dataset });
    const [before, after] = [await weightsOf(base), await weightsOf(scratch.at('other'))];
    expect(after.get('class_embedding.weight')!.shape[0]).toBe(3);
    const name = 'mid_block.resnets.0.conv1.weight';
    expect(after.get(name)!.data).toEqual(before.get(name)!.data);
  });

  it('moves no frozen layer, neither by gradients nor by weight decay, and every other', async () => {
    const training = {
      lr: 1e-2,
      weightDecay: 0.5,
      steps: 3,
      freeze: ['down_blocks.*', 'conv_in.*'],
    };
    for (const accumulate of [1, 2]) {
      const out = `frozen-${accumulate}`;
      await tune(out, { from: base, classes: true, training: { ...training, accumulate } });
      const [before, after] = [await weightsOf(base), await weightsOf(scratch.at(out))];
      for (const [name, { data }] of before) {
        const isFrozen = name.startsWith('down_blocks.') || name.startsWith('conv_in.');
        const isSame = data.every((value, i) => value === after.get(name)!.data[i]);
        expect([name, isSame]).toEqual([name, isFrozen]);
      }
    }
  });

  it('goes on exactly after a stop, even where its base is gone', async () => {
    const training = { freeze: ['mid_block.*'], previewEvery: 0 };
    const config = { ...tinyConfig({ classes: true, training }), from: base };
    await collect(scratch.start(config, scratch.at('straight')));
    await scratch.stoppedAt(5, { ...config, from: scratch.at('base') }, scratch.at('cut'));
    const { rename } = await import('node:fs/promises');
    await rename(base, `${base}-moved`);
    await collect(scratch.goOn(scratch.at('cut')));
    await rename(`${base}-moved`, base);
    const last = (run: string) =>
      hashes(path.join(scratch.at(run), 'checkpoints', 'step-000012'), /safetensors$/);
    expect(last('cut')).toEqual(last('straight'));
  });

  it.each<[string, () => PartialTrainingConfig, RegExp]>([
    ['nothing there', () => ({ from: scratch.at('gone') }), /gone does not exist; check the path/],
    ['classes left out', () => ({ from: base }), /is class-conditional; add --classes/],
    ['other channels', () => ({ from: base, classes: true, channels: 3 }), /--channels is 3, but/],
    [
      'a size that does not halve',
      () => ({ from: base, classes: true, imageSize: 9 }),
      /sample_size is 9; with 2 levels each side must be a multiple of 2/,
    ],
    [
      'self-conditioning left out',
      () => ({ from: SELF_CONDITIONED, classes: true }),
      /self-condition\/pipeline is self-conditioned; add --self-condition, so that/,
    ],
    [
      'self-conditioning of a net without',
      () => ({ from: FIXTURE, model: ASKED }),
      /--self-condition needs a net that was trained with it, which .* was not; leave it out/,
    ],
    ['a net of log t', () => ({ from: saved('fourier') }), /embeds the logarithm of t/],
    [
      'class timesteps',
      () => ({ from: saved('class-timesteps'), classes: true }),
      /class_embed_type "timestep", which cannot be trained here/,
    ],
    [
      'a pattern that fits nothing',
      () => ({ from: base, classes: true, training: { freeze: ['encoder.*'] } }),
      /--freeze is 'encoder\.\*', which fits no parameter; the net has .*conv_in/,
    ],
    [
      'nothing left to learn',
      () => ({ from: base, classes: true, training: { freeze: ['*'] } }),
      /--freeze leaves no parameter to learn/,
    ],
  ])('is refused in a sentence: %s', async (_, changes, message) => {
    await expect(tune('refused', changes())).rejects.toThrow(message);
  });

  it('reads dots in patterns as dots', () => {
    const specs = ['a.b', 'axb', 'a.bc'].map((name) => ({ name })) as unknown as Parameters<
      typeof frozenBy
    >[1]['specs'];
    expect(frozenBy(['a.b'], { specs })).toEqual([true, false, false]);
    expect(frozenBy(['a.*'], { specs })).toEqual([true, false, true]);
    expect(frozenBy([], { specs })).toBeNull();
  });
});
