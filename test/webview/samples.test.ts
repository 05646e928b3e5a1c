import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodePng } from '../../src/core/base/picture';
import type { FramePart } from '../../src/engine/protocol';
import type { HostToSamples, SampleForm } from '../../webview/protocol';
import { MODELS, FORM, HYDRATE, row, done, frame, frames } from './samples-feed';
import { launch, ViewPage, type PageOptions } from './view-page';

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

interface FramesAsked {
  readonly job: string;
  readonly part: FramePart;
  readonly steps: readonly number[];
}

async function open(options: PageOptions = {}, message: HostToSamples = HYDRATE): Promise<void> {
  view = await ViewPage.open(browser, 'samples', options);
  await view.send(message);
}

/** Answers what the view asks for until it has asked for nothing more. */
async function answerFrames(): Promise<void> {
  for (;;) {
    await view.settled();
    const waiting = await view.untaken();
    if (!waiting.some(({ type }) => type === 'frames')) return;
    const { job, part, steps } = await view.posted<FramesAsked>('frames');
    await view.send({ type: 'frames', frames: frames(job, part, steps) });
  }
}

async function openDone(options: PageOptions = {}, rows = [done()]): Promise<void> {
  await open(options, { ...HYDRATE, rows });
  await answerFrames();
}

const button = (name: string | RegExp) => view.page.getByRole('button', { name });
const slider = () => view.page.getByRole('slider', { name: 'Step of the reverse process' });
const grid = () => view.page.getByRole('listbox', { name: /^Samples/ }).first();
/** The colours of the grid's canvas, summed: another picture has another sum. */
const drawn = (nth = 0) =>
  view.page
    .locator('.sample-row canvas')
    .nth(nth)
    .evaluate((canvas) => {
      const { width, height } = canvas as unknown as { width: number; height: number };
      const context = (
        canvas as unknown as {
          getContext(kind: string): { getImageData(...at: number[]): { data: Uint8Array } };
        }
      ).getContext('2d');
      return context
        .getImageData(0, 0, width, height)
        .data.reduce((sum, value, i) => (sum * 31 + value + i) % 1e9, 0);
    });

describe('the samples view', () => {
  it('samples what its form says, by keyboard alone', async () => {
    await open();
    await view.page.getByRole('textbox', { name: 'Images, 1 … 64' }).fill('4');
    await button('Sample').press('Enter');
    const { forms } = await view.posted<{ forms: SampleForm[] }>('sample');
    expect(forms).toEqual([{ ...FORM, count: 4 }]);
  });

  it('takes a click on the button that leaves a field', async () => {
    await open();
    await view.page.getByRole('textbox', { name: 'Seed' }).fill('42');
    await button('Sample').click();
    expect(await view.posted('sample')).toEqual({ type: 'sample', forms: [{ ...FORM, seed: 42 }] });
  });

  it('draws each frame as it comes, and acknowledges it', async () => {
    await open();
    await view.send({ type: 'rows', rows: [row('running')] });
    await view.page.getByText('Preparing the model …').waitFor();
    await view.send({ type: 'frame', seq: 1, frame: frame(1) });
    expect(await view.posted('ack')).toEqual({ type: 'ack', seq: 1 });
    const first = await drawn();
    await view.send({ type: 'frame', seq: 2, frame: frame(5) });
    expect(await drawn()).not.toBe(first);
    await view.page.getByText('Step 5 of 10, t = 500').waitFor();
    await view.shoot('samples-running');
    await button('Cancel').click();
    await view.posted('cancel');
  });

  it('moves through every step when done', async () => {
    await openDone();
    await view.page.getByText('1.3 s on cpu, 3 threads').waitFor();
    await view.page.getByText('step 10 of 10, t = 0').first().waitFor();
    const last = await drawn();
    await view.page.keyboard.press('ArrowLeft');
    await view.page.getByText('step 9 of 10, t = 100').first().waitFor();
    await answerFrames();
    const before = await drawn();
    expect(before).not.toBe(last);
    await slider().press('Home');
    await view.page.getByText('pure noise').first().waitFor();
    expect([last, before]).not.toContain(await drawn());
    await slider().press('End');
    await expect.poll(() => drawn()).toBe(last);
    await view.page.getByRole('radio', { name: /predicted noise/ }).click();
    await answerFrames();
    await expect.poll(() => drawn()).not.toBe(last);
  });

  it('enlarges a sample with its parts and its way, and closes it by Escape', async () => {
    await openDone();
    await grid().focus();
    await view.page.keyboard.press('ArrowRight');
    await view.page.keyboard.press('ArrowRight');
    await answerFrames();
    await view.page.getByText('Sample 2 of DDIM, 10 steps').waitFor();
    await view.shoot('samples-enlarged');
    await view.page.getByRole('button', { name: 'Save This PNG' }).press('Enter');
    const saved = await view.posted('save');
    expect(saved).toMatchObject({ type: 'save', as: 'one', index: expect.any(Number) });
    await view.page
      .getByText(`Sample ${Number(saved['index']) + 1} of `)
      .first()
      .waitFor();
    await view.page.keyboard.press('Escape');
    await expect.poll(() => view.page.getByText('Sample 2 of DDIM').isVisible()).toBe(false);
  });

  it('compares rows from one noise, added and taken out by keyboard', async () => {
    await open();
    await button('Add to Comparison').press('Enter');
    await view.page.getByRole('combobox', { name: 'Solver' }).press('ArrowUp');
    await button('Add to Comparison').press('Enter');
    await button('Add to Comparison').press('Enter');
    await button(/^Take out DDPM/)
      .last()
      .press('Enter');
    await view.shoot('samples-compare');
    await button('Sample 2 Rows').press('Enter');
    const { forms } = await view.posted<{ forms: SampleForm[] }>('sample');
    expect(forms).toEqual([FORM, { ...FORM, solver: 'ddpm' }]);
  });

  it('shows several checkpoints under one noise when a command says so', async () => {
    const models = MODELS.map(({ path }) => path);
    await open({}, { ...HYDRATE, wish: { models, start: true } });
    const { forms } = await view.posted<{ forms: SampleForm[] }>('sample');
    expect(forms.map(({ model, seed }) => [model, seed])).toEqual(models.map((path) => [path, 7]));
    await view.send({ type: 'wish', wish: { models: [models[1]!], start: false } });
    expect(await view.state()).toMatchObject({ compared: [], form: { model: models[1] } });
    expect((await view.untaken()).filter(({ type }) => type !== 'askFacts')).toEqual([]);
  });

  it('refuses a field that makes no sense, and samples nothing', async () => {
    await open();
    const count = view.page.getByRole('textbox', { name: 'Images, 1 … 64' });
    await count.fill('1000');
    await count.press('Tab');
    await view.page.getByText('Enter a whole number from 1 to 64.').waitFor();
    await button('Sample').click();
    await view.page.getByText('A field has a value that cannot be').waitFor();
    expect((await view.untaken()).filter(({ type }) => type !== 'askFacts')).toEqual([]);
  });

  it('takes the first click after a field is mended, and moves nothing by it', async () => {
    await open();
    const count = view.page.getByRole('textbox', { name: 'Images, 1 … 64' });
    const error = view.page.getByText('Enter a whole number from 1 to 64.');
    await count.fill('1000');
    await count.press('Tab');
    await error.waitFor();
    await count.click();
    await count.press('ControlOrMeta+a');
    await view.page.keyboard.type('4');
    await error.waitFor({ state: 'hidden' });
    const at = (await button('Sample').boundingBox())!;
    await view.page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
    await view.page.mouse.down();
    expect(await button('Sample').boundingBox()).toEqual(at);
    await view.page.mouse.up();
    expect(await view.posted('sample')).toMatchObject({ forms: [{ count: 4 }] });
  });

  it('keeps a field that cannot be as it is while others change, until it is given a value', async () => {
    await open();
    const seed = view.page.getByRole('textbox', { name: 'Seed' });
    const error = view.page.getByText('Enter a whole number from 0 to');
    await seed.fill('-5');
    const at = await button('Sample').boundingBox();
    await view.page.getByRole('textbox', { name: 'Images, 1 … 64' }).fill('4');
    expect(await button('Sample').boundingBox()).toEqual(at);
    await view.page.keyboard.press('Tab');
    expect(await error.isVisible()).toBe(true);
    expect(await seed.inputValue()).toBe('-5');
    await button('New Seed').click();
    await error.waitFor({ state: 'hidden' });
    await button('Sample').click();
    expect(await view.posted('sample')).toMatchObject({ forms: [{ count: 4 }] });
  });

  it('restores the settings of a dropped picture, and says where there are none', async () => {
    await open();
    const settings = { solver: 'ddpm', steps: 20, seed: 99, count: 9, model: 'step-001000' };
    const pixel = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const;
    const png = await encodePng(pixel, settings);
    await view.send({ type: 'dropped', name: 'samples.png', bytes: new Uint8Array(png) });
    await view.page.getByText('The settings of the picture are restored.').waitFor();
    const { form } = await view.state<{ form: SampleForm }>();
    const restored = { model: MODELS[1]!.path, solver: 'ddpm', steps: 20, seed: 99, count: 9 };
    expect(form).toMatchObject(restored);
    await button('Sample').click();
    expect(await view.posted('sample')).toMatchObject({ forms: [restored] });
    await view.send({ type: 'dropped', name: 'cat.png', bytes: new Uint8Array([1, 2, 3]) });
    await view.page.getByText('cat.png carries no settings of a sampling').waitFor();
  });

  it('takes files that are dropped on the page, from outside and from the editor', async () => {
    await open();
    const drop = (body: string) =>
      view.page.evaluate(`{
        const dataTransfer = new DataTransfer();
        ${body};
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
      }`);
    await drop(`dataTransfer.items.add(new File(['x'], 'x.png'))`);
    await view.page.getByText('x.png carries no settings').waitFor();
    await drop(`dataTransfer.setData('text/uri-list', '# one\\r\\nfile:///a.png\\r\\n')`);
    expect(await view.posted('readDropped')).toEqual({ type: 'readDropped', uri: 'file:///a.png' });
  });

  it('says why a sampling failed, and that one was stopped', async () => {
    await open({}, { ...HYDRATE, rows: [row('running'), row('waiting', { job: 'b' })] });
    await view.page.getByText('Waiting').waitFor();
    await view.send({ type: 'row', row: row('failed', { message: 'The checkpoint is torn.' }) });
    await view.page.getByText('The checkpoint is torn.').waitFor();
    await view.send({ type: 'row', row: row('stopped', { job: 'b' }) });
    await view.page.getByText('Stopped', { exact: true }).waitFor();
    expect(await button('Save PNG').count()).toBe(0);
    await view.shoot('samples-failed');
  });

  it('keeps its pictures while another sampling begins, and where that fails', async () => {
    await open({}, { ...HYDRATE, rows: [done()] });
    await view.send({ type: 'trying', isTrying: true });
    await view.page.getByText('Opening the model …').waitFor();
    await button('Cancel').waitFor();
    expect(await button('Sample').isDisabled()).toBe(true);
    await view.send({ type: 'trying', isTrying: false });
    await view.send({ type: 'failed', message: 'The checkpoint is torn.' });
    await view.page.getByText('The checkpoint is torn.').waitFor();
    expect(await view.page.getByText('Opening the model …').isVisible()).toBe(false);
    expect(await view.page.getByRole('button', { name: 'Save PNG' }).count()).toBe(1);
    expect(await button('Sample').isDisabled()).toBe(false);
  });

  it('says that the engine is down or starting', async () => {
    await open({}, { ...HYDRATE, health: { state: 'down', message: 'The engine ended.' } });
    await view.page.getByText('The engine ended. Sampling starts it again.').waitFor();
    await view.send({ type: 'engine', health: { state: 'starting', message: null } });
    await view.page.getByText('The engine is starting').waitFor();
    expect(await button('Sample').isEnabled()).toBe(false);
  });

  it('comes back as it was left', async () => {
    await openDone();
    await slider().press('ArrowLeft');
    await grid().focus();
    await view.page.keyboard.press('ArrowRight');
    await answerFrames();
    const state = await view.state();
    await view.close();
    await openDone({ state });
    await view.page.getByText('Sample 1 of DDIM, 10 steps').waitFor();
    await view.page.getByText('step 9 of 10, t = 100').first().waitFor();
  });

  it('saves and copies what is shown', async () => {
    await openDone();
    for (const [name, as] of [
      ['Save PNG', 'grid'],
      ['Save Each', 'each'],
      ['Save GIF', 'gif'],
    ] as const) {
      await button(name).press('Enter');
      expect(await view.posted('save')).toEqual({ type: 'save', job: 'a', as });
    }
    await button('Copy as Command').press('Enter');
    expect(await view.posted('copyCommand')).toEqual({ type: 'copyCommand', form: FORM });
  });

  it('fits into 320 pixels, with long names too', async () => {
    const label = `${'a-very-long-run-name-'.repeat(6)} · step 2,000`;
    await openDone({ width: 320 });
    await view.send({ type: 'models', models: [{ path: FORM.model, label }] });
    await view.shoot('samples-320');
    await view.page.getByRole('heading', { name: label }).waitFor();
    const width = await view.page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(320);
  });

  it.each(['dark', 'light', 'high-contrast'] as const)('is looked at in %s', async (theme) => {
    const other = { ...FORM, solver: 'ddpm', steps: null } as const;
    await openDone({ theme }, [done(), done('b', other)]);
    await grid().focus();
    await view.page.keyboard.press('ArrowRight');
    await answerFrames();
    await view.shoot(`samples-${theme}`);
    expect(await view.inaccessible()).toEqual([]);
    await view.close();
    await openDone({ theme, width: 400 });
    await view.shoot(`samples-${theme}-400`);
  });

  it('keeps the name of what a deleted checkpoint drew, and says that it is not there', async () => {
    await openDone();
    const heading = view.page.getByRole('heading', {
      name: 'DDIM, 10 steps · digits-1 · step 2,000',
    });
    await heading.waitFor();
    await view.send({ type: 'models', models: MODELS.slice(1) });
    await view.page.getByRole('combobox', { name: 'Checkpoint' }).click();
    const name = 'digits-1 · step 2,000 (no longer there)';
    await view.page.getByRole('option', { name, selected: true }).waitFor();
    await view.page.keyboard.press('Escape');
    expect(await heading.isVisible()).toBe(true);
  });

  it('says what to do where there is no checkpoint', async () => {
    await open({}, { ...HYDRATE, models: [], form: { ...FORM, model: '' } });
    await view.shoot('samples-empty');
    await button('Train …').click();
    await view.posted('train');
  });
});
