import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ModelClasses } from '../../src/engine/protocol';
import type { HostToSamples, SampleForm } from '../../webview/protocol';
import { launch, ViewPage } from './view-page';

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

const MODEL = '/runs/pets-1/checkpoints/step-002000';
const OTHER = '/runs/digits-1/checkpoints/step-001000';
const CLASSES: ModelClasses = { names: ['cat', 'dog', 'fox'], canGuide: true };

const FORM: SampleForm = {
  model: MODEL,
  solver: 'ddim',
  steps: 10,
  eta: 0,
  seed: 7,
  count: 16,
  spacing: null,
  variance: null,
};

const HYDRATE: HostToSamples = {
  type: 'hydrate',
  models: [
    { path: MODEL, label: 'pets-1 · step 2,000' },
    { path: OTHER, label: 'digits-1 · step 1,000' },
  ],
  form: FORM,
  rows: [],
  wish: null,
  health: { state: 'up', message: null },
};

async function open(classes: ModelClasses | null = CLASSES): Promise<void> {
  view = await ViewPage.open(browser, 'samples', {});
  await view.send(HYDRATE);
  expect(await view.posted('askFacts')).toEqual({ type: 'askFacts', model: MODEL });
  await view.send({ type: 'facts', model: MODEL, classes });
}

const group = () => view.page.getByRole('group', { name: 'Classes' });
const slider = () => view.page.getByRole('slider', { name: /^Guidance/ });
const gridBox = () => view.page.getByRole('checkbox', { name: /^Every class by guidance/ });

async function sampled(): Promise<SampleForm> {
  await view.page.getByRole('button', { name: 'Sample', exact: true }).press('Enter');
  const { forms } = await view.posted<{ forms: SampleForm[] }>('sample');
  return forms[0]!;
}

describe('the samples view of a class-conditional model', () => {
  it('samples a class at a guidance, chosen by keyboard alone', async () => {
    await open();
    await group().waitFor();
    expect(await slider().getAttribute('aria-valuetext')).toBe('2');
    expect((await sampled()).classes).toEqual({ names: null, guidance: 2, rescale: 0, grid: null });
    await view.page.getByRole('combobox', { name: 'Class' }).focus();
    await view.page.keyboard.press('ArrowDown');
    await view.page.keyboard.press('ArrowDown');
    await slider().focus();
    await view.page.keyboard.press('ArrowRight');
    await view.page.keyboard.press('ArrowRight');
    expect(await slider().getAttribute('aria-valuetext')).toBe('3');
    const form = await sampled();
    expect(form.classes).toEqual({ names: ['dog'], guidance: 3, rescale: 0, grid: null });
    await view.shoot('samples-classes');
  });

  it('draws every class by guidance, each picture named by both', async () => {
    await open();
    await gridBox().press(' ');
    expect(await slider().isDisabled()).toBe(true);
    const form = await sampled();
    expect(form.count).toBe(12);
    expect(form.classes?.grid).toEqual({ names: CLASSES.names, scales: [1, 2, 4, 8] });
    const images = { data: new Uint8Array(12 * 64), count: 12, height: 8, width: 8, channels: 1 };
    const result = {
      ...{ job: 'a', images, settings: {}, device: 'cpu', deviceReason: '', seconds: 1 },
      warnings: [],
    };
    const row = { job: 'a', form, state: 'done', message: null, frame: null, result } as const;
    await view.send({ type: 'rows', rows: [row] });
    await view.settled();
    const name = 'Sample 7, class dog, guidance 4';
    await view.page.getByRole('option', { name }).waitFor();
    await view.page
      .getByText('Rows: classes cat, dog, fox. Columns: guidance 1, 2, 4, 8.')
      .waitFor();
    await view.shoot('samples-class-grid');
  });

  it('offers nothing of it for a model without classes, and keeps nothing of another’s', async () => {
    await open();
    await gridBox().press(' ');
    await view.send({ type: 'wish', wish: { models: [OTHER], start: false } });
    expect(await view.posted('askFacts')).toEqual({ type: 'askFacts', model: OTHER });
    await view.send({ type: 'facts', model: OTHER, classes: null });
    expect(await group().isVisible()).toBe(false);
    expect(await sampled()).toEqual({ ...FORM, model: OTHER });
  });

  it('offers no guidance where there is no null class', async () => {
    await open({ ...CLASSES, canGuide: false });
    await group().waitFor();
    expect(await slider().isVisible()).toBe(false);
    expect((await sampled()).classes).toMatchObject({ guidance: 1, grid: null });
  });
});
