import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import type { NoiseSettings, PixelBatch } from '../../src/engine/protocol';
import { closenessOf, closenessText } from '../../webview/noising/closeness';
import { cleanImage, closedForm, noiseOf } from '../../webview/noising/forward-process';
import { unfitOf, weigh } from '../../webview/noising/model-fit';
import type { NoisingModelChoice } from '../../webview/protocol';
import { HYDRATE, picture } from './noising-feed';
import { launch, ViewPage, type PageOptions } from './view-page';

const IMAGE = HYDRATE.images[0];
const COSINE: NoiseSettings = { ...HYDRATE.schedule, kind: 'cosine' };

function model(
  name: string,
  facts: Partial<NonNullable<NoisingModelChoice['facts']>> = {},
): NoisingModelChoice {
  const path = `/runs/${name}`;
  const { schedule } = HYDRATE;
  const solver = { own: 'ddpm', taken: 'ddim' } as const;
  const own = { model: path, width: 32, height: 32, channels: 3, schedule, solver };
  return { path, label: name, group: name, facts: { ...own, ...facts }, message: null };
}

const FITS = model('sprites-1 · step 500');
const GREY = model('digits-1 · step 900', {
  width: 16,
  height: 16,
  channels: 1,
  schedule: { ...COSINE, timesteps: 250 },
});

describe('weigh', () => {
  const image = { width: 32, height: 32, channels: 3 } as const;
  const schedule = makeSchedule(HYDRATE.schedule);
  const reason = (choice: NoisingModelChoice) => weigh([choice], image, schedule)[0]!.reason;

  it('takes what has the image’s size and the same noise, however that was made', () => {
    expect(reason(FITS)).toBeNull();
    expect(reason(model('b', { schedule: { ...HYDRATE.schedule, betaStart: 2e-4 } }))).toBe(
      'was trained with linear, T = 1000, β 0.0002 … 0.02',
    );
    const cosine = makeSchedule(COSINE);
    const other = model('c', { schedule: { ...COSINE, betaEnd: 0.3 } });
    expect(weigh([other], image, cosine)[0]!.reason).toBeNull();
  });

  it('says all that does not fit', () => {
    expect(reason(GREY)).toBe(
      'takes images of 16 × 16 in grey, and was trained with cosine, T = 250',
    );
    expect(reason({ ...FITS, facts: null, message: 'It is torn.' })).toBe('It is torn.');
  });

  it('puts checkpoints of one run together', () => {
    const older = { ...GREY, path: '/runs/older', label: 'digits-1 · step 450', group: GREY.group };
    const unfit = unfitOf(weigh([GREY, FITS, older], image, schedule));
    expect(unfit).toEqual([{ choice: GREY, count: 2, reason: reason(GREY) }]);
  });
});

describe('closeness', () => {
  it('is the PSNR and the mean difference', () => {
    const of = (data: number[]): PixelBatch => ({
      data: Uint8Array.from(data),
      count: 1,
      height: 2,
      width: 2,
      channels: 1,
    });
    const { psnr, meanDifference } = closenessOf(of([0, 10, 20, 30]), of([5, 5, 20, 30]));
    expect(meanDifference).toBe(2.5);
    expect(psnr).toBeCloseTo(20 * Math.log10(255) - 10 * Math.log10(12.5), 10);
    expect(closenessText(closenessOf(of([1, 2, 3, 4]), of([1, 2, 3, 4])))).toContain('pixel for');
  });
});

describe('the model card', () => {
  let browser: Browser;
  let view: ViewPage;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    expect(await view.wrongs()).toEqual([]);
    await view.close();
  });

  async function open(
    models: readonly NoisingModelChoice[] | null,
    options: PageOptions = {},
  ): Promise<void> {
    view = await ViewPage.open(browser, 'noising', options);
    await view.send(HYDRATE);
    if (models) await view.send({ type: 'models', models });
  }

  interface Wish {
    readonly ask: number;
    readonly what: string;
    readonly model: string;
    readonly t: number;
    readonly shape: readonly number[];
    readonly xt: Readonly<Record<string, number>>;
    readonly schedule: NoiseSettings;
  }

  const card = () => view.page.getByRole('region', { name: 'What a model sees here' });
  const button = (name: string) => card().getByRole('button', { name });
  const slider = () => view.page.getByRole('slider', { name: 'Timestep t' });
  const wish = () => view.posted<Wish>('denoise');
  const text = (what: string | RegExp) => card().getByText(what).first().waitFor();
  const pixels = IMAGE.pixels!;

  /** The image a little darker. */
  const guess = { ...pixels, data: pixels.data.map((x) => Math.max(0, x - 4)) };

  const frame = (step: number, t: number, batch: PixelBatch) => ({
    ...{ job: 'j', first: 0, step, steps: 3, t, progress: step / 3 },
    xt: batch,
    x0: guess,
  });

  const STEPS = [200, 130, 60].map((t, i) => ({
    step: i + 1,
    t,
    xt: i === 2 ? guess : { ...pixels, data: pixels.data.map((x) => 255 - x) },
    x0: guess,
  }));

  it('asks what the model sees in the very x_t that is shown, and shows it', async () => {
    await open([GREY, FITS]);
    const asked = await wish();
    expect(asked).toMatchObject({ what: 'glance', model: FITS.path, t: 250, shape: [3, 32, 32] });
    const clean = cleanImage(pixels);
    const xt = closedForm(makeSchedule(HYDRATE.schedule), clean, noiseOf(clean, 0), 250);
    expect(Float32Array.from(Object.values(asked.xt))).toEqual(xt);
    await view.send({ type: 'seen', ask: asked.ask, x0: guess });
    await text(/At t = 250 it sees an image 4.0 of 255 off the original .*PSNR/);
    await view.shoot('noising-model');
  });

  it('asks for the latest t alone, and passes over an answer that came too late', async () => {
    await open([FITS]);
    const first = await wish();
    await slider().evaluate((element) => {
      const input = element as unknown as EventTarget & { value: string };
      for (let t = 251; t <= 270; t++) {
        input.value = String(t);
        input.dispatchEvent(new Event('input'));
      }
    });
    await view.send({ type: 'seen', ask: first.ask, x0: guess });
    const second = await wish();
    expect(second.t).toBe(270);
    expect((await view.untaken()).filter(({ type }) => type === 'denoise')).toEqual([]);
    await view.send({ type: 'notDenoised', ask: first.ask, message: 'too late' });
    await view.send({ type: 'seen', ask: second.ask, x0: guess });
    await text('At t = 270 it sees');
    expect(await card().getByText('too late').count()).toBe(0);
  });

  it('denoises from here, by keyboard, and compares the end to the original', async () => {
    await open([FITS], { height: 1400 });
    await wish();
    await button('Denoise from Here').press('Enter');
    const asked = await wish();
    expect(asked).toMatchObject({ what: 'way', t: 250, schedule: HYDRATE.schedule });
    await text('Denoising from t = 250');
    await view.send({ type: 'denoising', seq: 1, ask: asked.ask, frame: frame(1, 250, pixels) });
    expect(await view.posted('ack')).toEqual({ type: 'ack', seq: 1 });
    const done = { steps: STEPS, seconds: 1.25, device: 'cpu, 3 threads' };
    await view.send({ type: 'denoised', ask: asked.ask, ...done });
    await text(
      /It ends in an image .* of 255 off the original on average, PSNR .* on cpu, 3 threads/,
    );
    await text('step 3 of 3, t = 60');
    const steps = card().getByRole('slider', { name: 'Step of the way back' });
    await steps.press('ArrowLeft');
    await text('step 2 of 3, t = 130');
    await card().getByRole('listbox', { name: 'The way from noise' }).press('Home');
    await text('step 1 of 3, t = 200');
    expect(await view.inaccessible()).toEqual([]);
    await view.shoot('noising-way');
  });

  it('stops, and lets go of a way of another schedule', async () => {
    await open([FITS]);
    await wish();
    await button('Denoise from Here').click();
    const asked = await wish();
    await button('Stop').click();
    await view.posted('stopDenoising');
    await view.send({ type: 'notDenoised', ask: asked.ask, message: null });
    await button('Denoise from Here').click();
    await wish();
    await view.page.getByRole('button', { name: 'Cosine (T = 1000)' }).click();
    await view.posted('stopDenoising');
    await text('No checkpoint takes this image');
    expect(await card().getByText('Denoising from').isVisible()).toBe(false);
  });

  it('says why none fits, and takes size and schedule of one at one click', async () => {
    await open([GREY]);
    await text('takes images of 16 × 16 in grey, and was trained with cosine, T = 250');
    await view.shoot('noising-unfit');
    await button('Use Its Size and Schedule').click();
    const path = IMAGE.path;
    expect(await view.posted('read')).toEqual({ type: 'read', path, size: 16, channels: 1 });
    const grey = { data: new Uint8Array(256), count: 1, height: 16, width: 16, channels: 1 };
    const image = { ...picture('sprite.png'), size: 16, channels: 1, pixels: grey };
    await view.send({ type: 'image', image });
    expect(await wish()).toMatchObject({ model: GREY.path, shape: [1, 16, 16] });
    expect(await view.state()).toMatchObject({
      model: GREY.path,
      size: 16,
      channels: 1,
      schedule: { kind: 'cosine', timesteps: 250 },
    });
  });

  it('says what it waits for, and what to do where there is nothing', async () => {
    await open(null);
    await text('Looking for checkpoints');
    await view.send({ type: 'models', models: [] });
    await text('There is no checkpoint yet.');
    await button('Train …').click();
    await view.posted('train');
    await button('Browse …').click();
    await view.posted('browse');
    await view.send({ type: 'models', models: [FITS, model('chosen')] });
    await view.send({ type: 'chosen', model: '/runs/chosen' });
    expect(await wish()).toMatchObject({ model: '/runs/chosen' });
  });

  it('says what failed, and asks again; asks nothing of an engine that is down', async () => {
    await open([FITS]);
    const { ask } = await wish();
    await view.send({ type: 'notDenoised', ask, message: 'The device is out of memory.' });
    await text('The device is out of memory.');
    await button('Try Again').click();
    const second = await wish();
    await view.send({ type: 'seen', ask: second.ask, x0: guess });
    expect(await card().getByText('out of memory').isVisible()).toBe(false);
    const health = { state: 'down', message: 'The engine was killed.' };
    await view.send({ type: 'engine', health });
    await text('The engine was killed.');
    await slider().press('ArrowRight');
    await button('Try Again').click();
    expect(await wish()).toMatchObject({ t: 251 });
    expect((await view.untaken()).map(({ type }) => type)).not.toContain('denoise');
  });

  it('keeps what it shows while a run gets another checkpoint', async () => {
    await open([FITS]);
    const { ask } = await wish();
    await view.send({ type: 'seen', ask, x0: guess });
    await view.send({ type: 'models', models: [model('sprites-1 · step 600'), FITS] });
    await text('At t = 250 it sees');
    await view.settled();
    expect((await view.untaken()).map(({ type }) => type)).not.toContain('denoise');
  });

  it.each(['dark', 'light', 'high-contrast'] as const)(
    'fits into 320 pixels: %s',
    async (theme) => {
      await open([FITS, GREY], { theme, width: 320 });
      const { ask } = await wish();
      await view.send({ type: 'seen', ask, x0: guess });
      await button('Denoise from Here').click();
      const way = await wish();
      const done = { steps: STEPS, seconds: 1.25, device: 'cpu, 3 threads' };
      await view.send({ type: 'denoised', ask: way.ask, ...done });
      await view.shoot(`noising-model-${theme}-320`);
      const width = await view.page.evaluate('document.documentElement.scrollWidth');
      expect(width).toBeLessThanOrEqual(320);
    },
  );
});
