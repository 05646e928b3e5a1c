import { cpSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compareWeights } from '../../src/core/checkpoint/compare-weights';
import { inspectSafetensors } from '../../src/core/checkpoint/inspect';
import { tensorStatistics } from '../../src/core/checkpoint/tensor-statistics';
import type { SafetensorsSummary, WeightsComparison } from '../../src/engine/protocol';
import type { ThemeName } from '../../webview/feeds/themes';
import { editTensors } from '../support/bad-files';
import { Scratch } from '../support/bundles';
import { launch, ViewPage, type PageOptions } from './view-page';

const SAVED = path.resolve(import.meta.dirname, '../fixtures/diffusers/scale-shift');
const WEIGHTS = path.join('unet', 'diffusion_pytorch_model.safetensors');
const FILE = path.join(SAVED, WEIGHTS);
const TENSOR = 'conv_in.weight';

const scratch = new Scratch();
const changed = scratch.at('changed', WEIGHTS);
let browser: Browser;
let view: ViewPage;
let summary: SafetensorsSummary;
let comparison: WeightsComparison;

beforeAll(async () => {
  browser = await launch();
  cpSync(SAVED, scratch.at('changed'), { recursive: true });
  editTensors(changed, (tensors) => {
    const { data } = tensors.get('conv_in.bias')!;
    data.writeFloatLE(data.readFloatLE(0) + 0.5);
    tensors.get('conv_out.weight')!.data.writeFloatLE(NaN);
    tensors.delete('conv_norm_out.bias');
  });
  summary = await inspectSafetensors(FILE);
  comparison = await compareWeights(FILE, changed);
});
afterAll(async () => {
  await browser.close();
  scratch.remove();
});
afterEach(async () => {
  expect(await view.wrongs()).toEqual([]);
  await view.close();
});

const hydrate = (changes: object = {}) => ({
  type: 'hydrate',
  path: FILE,
  label: 'diffusion_pytorch_model.safetensors',
  summary,
  comparison: null,
  ...changes,
});

async function open(options: PageOptions = {}, changes: object = {}): Promise<void> {
  view = await ViewPage.open(browser, 'safetensors', options);
  await view.send(hydrate(changes));
}

const row = (label: string, level: number) =>
  view.page.locator(`[role=treeitem][aria-level="${level}"]`, {
    has: view.page.locator('.tree-label', { hasText: new RegExp(`^${label}$`) }),
  });

/** Opens conv_in, chooses its weight and answers as the engine does. */
async function measure(file = FILE, group = 'conv_in', tensor = TENSOR): Promise<void> {
  await row(group, 1).click();
  await row('weight', 2).first().click();
  expect(await view.posted('measure')).toEqual({ type: 'measure', tensor });
  const statistics = await tensorStatistics(file, tensor);
  await view.send({ type: 'statistics', tensor, statistics });
}

describe('the editor of safetensors files', () => {
  it('shows header, tensors and what diffusers would say', async () => {
    await open();
    const text = await view.page.locator('main').innerText();
    expect(text).toContain(`${summary.tensors.length} tensors · `);
    expect(text).toContain(`diffusers would load ${SAVED}.`);
    await view.page.locator('summary', { hasText: 'Metadata (1)' }).click();
    expect(await view.page.locator('.data-table td').innerText()).toBe('pt');
    await row('conv_in', 1).click();
    expect(await row('weight', 2).first().textContent()).toContain('F32 8 × 3 × 3 × 3');
  });

  it('measures the chosen tensor, and keeps the choice', async () => {
    await open();
    await measure();
    const card = view.page.locator('section[aria-label="The chosen tensor"]');
    expect(await card.locator('svg rect').count()).toBe(64);
    const statistics = await tensorStatistics(FILE, TENSOR);
    const mean = String(Number(statistics.mean!.toPrecision(4)));
    expect((await card.innerText()).replace(/\s+/g, ' ')).toContain(`mean ${mean} `);
    expect(await view.state()).toMatchObject({ selected: TENSOR, open: ['conv_in'] });
    const state = await view.state();
    await view.close();
    await open({ state });
    expect(await view.posted('measure')).toEqual({ type: 'measure', tensor: TENSOR });
    expect(await row('weight', 2).first().getAttribute('aria-selected')).toBe('true');
  });

  it('drops an answer about a tensor that is no longer chosen', async () => {
    await open();
    await measure();
    await row('bias', 2).first().click();
    const statistics = await tensorStatistics(FILE, TENSOR);
    await view.send({ type: 'statistics', tensor: TENSOR, statistics });
    const card = view.page.locator('section[aria-label="The chosen tensor"]');
    expect(await card.innerText()).toContain('Reading its numbers');
    await view.send({ type: 'notMeasured', tensor: 'conv_in.bias', message: 'The disk is gone.' });
    expect(await card.getByRole('alert').innerText()).toContain('The disk is gone.');
  });

  it('is walked by keys as a tree is', async () => {
    await open();
    const { keyboard } = view.page;
    const focused = () =>
      view.page.evaluate("document.activeElement?.querySelector('.tree-label')?.textContent");
    await row('conv_in', 1).focus();
    await keyboard.press('ArrowRight');
    expect(await row('conv_in', 1).getAttribute('aria-expanded')).toBe('true');
    await keyboard.press('ArrowRight');
    expect(await focused()).toBe('bias');
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    expect(await view.posted('measure')).toEqual({ type: 'measure', tensor: TENSOR });
    await keyboard.press('ArrowLeft');
    expect(await focused()).toBe('conv_in');
    await keyboard.press('ArrowLeft');
    expect(await row('conv_in', 1).getAttribute('aria-expanded')).toBe('false');
    await keyboard.press('End');
    expect(await focused()).toBe('up_blocks');
    expect(await view.page.locator('[role=treeitem][tabindex="0"]').count()).toBe(1);
  });

  it('searches by name, type and shape', async () => {
    await open();
    const search = view.page.getByRole('textbox', { name: 'Search' });
    await search.fill('conv_in weight');
    await view.settled();
    expect(await view.page.locator('[role=treeitem]').count()).toBe(2);
    expect(await view.page.getByText(`1 of ${summary.tensors.length}`).count()).toBe(1);
    await search.fill('horse');
    await view.settled();
    expect(await view.page.getByText('No tensor has these words.').isVisible()).toBe(true);
    await search.fill('');
    await view.settled();
    expect(await row('conv_in', 1).getAttribute('aria-expanded')).toBe('false');
  });

  it('compares with another file', async () => {
    await open();
    await view.page.getByText('Compare With…').click();
    await view.posted('compare');
    await view.send({
      type: 'comparison',
      comparison: { other: 'step 2', result: null, message: null },
    });
    expect(await view.page.getByRole('progressbar', { name: 'Comparing' }).count()).toBe(1);
    await view.send({
      type: 'comparison',
      comparison: { other: 'step 2', result: comparison, message: null },
    });
    const card = view.page.locator('section[aria-label="Comparison"]');
    const text = (await card.innerText()).replace(/\s+/g, ' ');
    expect(text).toContain(
      '2 of 87 tensors differ'.replace('87', String(comparison.tensors.length)),
    );
    expect(text).toContain('1 only here');
    expect(text).toMatch(/conv_out\.weight NaN NaN 1 of 216 conv_in\.bias 0\.5 /);
    await card.getByRole('button', { name: 'Close the Comparison' }).click();
    await view.posted('endComparison');
  });

  it('says why a file cannot be read, and reads it again', async () => {
    await open({}, { summary: null });
    expect(await view.page.getByText('Reading the file’s header…').isVisible()).toBe(true);
    const message = 'x.safetensors is cut short.';
    await view.send({ type: 'unreadable', message, canRetry: true });
    expect(await view.page.getByRole('alert').innerText()).toContain('x.safetensors is cut short.');
    await view.shoot('safetensors-unreadable');
    await view.page.getByText('Read Again').click();
    await view.posted('again');
    await view.send({ type: 'summary', summary });
    expect(await view.page.getByRole('alert').isVisible()).toBe(false);
    expect(await row('conv_in', 1).isVisible()).toBe(true);
  });

  it('says why a comparison failed, and forgets that when it is done again', async () => {
    await open({}, { comparison: { other: 'step 2', result: null, message: 'It is torn.' } });
    const card = view.page.locator('section[aria-label="Comparison"]');
    expect(await card.innerText()).toContain('It is torn.');
    expect(await view.inaccessible()).toEqual([]);
    const whole = { ...comparison, a: '/m/net.safetensors.index.json' };
    const again = { other: 'step 2', result: whole, message: null };
    await view.send({ type: 'comparison', comparison: again });
    expect(await card.innerText()).not.toContain('It is torn.');
    expect(await card.innerText()).toContain(
      'The whole net is compared, of which this file is a part, by net.safetensors.index.json.',
    );
  });

  it('says what lies where it cannot be read, and offers nothing that would not help', async () => {
    await open({}, { summary: null });
    await view.send({ type: 'unreadable', message: 'This is Git’s.', canRetry: false });
    expect(await view.page.getByRole('alert').innerText()).toBe('This is Git’s.');
    expect(await view.page.getByText('Read Again').isVisible()).toBe(false);
    expect(await view.page.getByText('Reading the file’s header…').isVisible()).toBe(false);
  });

  it('shows a file of no tensors', async () => {
    const empty = { ...summary, tensors: [], metadata: {} };
    await open({}, { summary: empty });
    expect(await view.page.getByText('The file has no tensors.').isVisible()).toBe(true);
    expect(await view.page.getByText('Its header has no metadata.').isVisible()).toBe(true);
  });

  it.each<[ThemeName, number]>([
    ['dark', 1280],
    ['light', 1280],
    ['high-contrast', 1280],
    ['dark', 320],
  ])('is accessible and fits: %s, %i pixels', async (theme, width) => {
    const broken = await inspectSafetensors(changed);
    await open(
      { theme, width },
      { summary: broken, comparison: { other: 'step 2', result: comparison, message: null } },
    );
    await measure(changed, 'conv_out', 'conv_out.weight');
    expect(await view.inaccessible()).toEqual([]);
    const wide = await view.page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(width);
    await view.shoot(`safetensors-${theme}-${width}`);
  });
});
