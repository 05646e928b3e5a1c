import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Frame } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPictureSettings } from '../../src/core/base/picture';
import { answerFileDialog, replaceInFileDialog } from './support/file-dialog';
import { sprite } from './support/images';
import { poll } from './support/poll';
import { photographFailures, Workbench } from './support/workbench';

let window: Workbench;
photographFailures(() => window);

/** The smallest training that leaves a checkpoint to look with. */
const TRAINING = ['train', '--preset', 'quick', '--steps', '4', '--device', 'cpu', '--quiet'];

beforeAll(async () => {
  const files = { 'sprite.png': await sprite(), 'torn.png': new Uint8Array([0x89, 0x50, 1, 2]) };
  window = await Workbench.open({ files, settings: { 'diffusion.device': 'cpu' } });
  const run = window.workspace.at('runs', 'digits-1');
  const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
  await promisify(execFile)(process.execPath, [cli, ...TRAINING, '--out', run]);
});

afterAll(() => window?.close());

const formula = (view: Frame) => view.getByRole('math').getAttribute('aria-label');
const formulaIs = (view: Frame, text: string) =>
  poll(`the formula ${text}`, async () => (await formula(view)) === text);

it('shows an image that is right-clicked, noised, with the numbers of the tutorial’s schedule', async () => {
  await window.explorerMenu('sprite.png', 'Show Forward Noising');
  const view = await window.webviewFrame('noising');
  await view.getByRole('heading', { name: 'Forward noising of sprite.png' }).waitFor();
  await view.getByText('24 × 24, colour').waitFor();
  await view.getByRole('button', { name: 'Tutorial (T = 100)' }).click();
  await view.getByText('still holds 60 %').waitFor();
  const slider = view.getByRole('slider', { name: 'Timestep t' });
  await slider.press('Home');
  await formulaIs(view, 'x_0 = 0.9999 · x_0 + 0.0100 · ε');
  await slider.press('End');
  await formulaIs(view, 'x_99 = 0.6030 · x_0 + 0.7978 · ε');
  await window.screenshots('noising');
});

it('shows what a fitting checkpoint sees, and brings the image back from there', async () => {
  const view = await window.webviewFrame('noising');
  const card = view.getByRole('region', { name: 'What a model sees here' });
  await card.getByText(/digits-1 .* takes images of 16 × 16 in grey/).waitFor();
  await card.getByRole('button', { name: 'Use Its Size and Schedule' }).click();
  await view.getByText('16 × 16 from 24 × 24, grey').waitFor();
  await card.getByText(/At t = \d+ it sees an image .* off the original/).waitFor();
  const slider = view.getByRole('slider', { name: 'Timestep t' });
  await slider.press('Home');
  for (let i = 0; i < 9; i++) await slider.press('ArrowRight');
  await card.getByText('At t = 9 it sees').waitFor();
  await card.getByRole('button', { name: 'Denoise from Here' }).click();
  await card.getByText(/It ends in an image .* s on cpu, .* thread/).waitFor();
  await card.getByText('step 10 of 10, t = 0').waitFor();
  await window.screenshots('noising-model');
  await view.getByRole('combobox', { name: 'Size' }).click();
  await view.getByRole('option', { name: 'As the image' }).first().click();
  await view.getByRole('combobox', { name: 'Colour' }).click();
  await view.getByRole('option', { name: 'As the image' }).last().click();
  await view.getByRole('button', { name: 'Tutorial (T = 100)' }).click();
  await slider.press('End');
  await formulaIs(view, 'x_99 = 0.6030 · x_0 + 0.7978 · ε');
});

it('is where it was when it was hidden', async () => {
  await (await window.explorerRow('torn.png')).dblclick();
  await window.showTab('Forward Noising');
  await formulaIs(await window.webviewFrame('noising'), 'x_99 = 0.6030 · x_0 + 0.7978 · ε');
});

it('comes back as it was when the window is loaded again', async () => {
  await window.reloadWindow();
  await window.showTab('Forward Noising');
  const view = await window.webviewFrame('noising');
  await formulaIs(view, 'x_99 = 0.6030 · x_0 + 0.7978 · ε');
  await view.getByText('24 × 24, colour').waitFor();
});

it('saves the strip that it shows', async () => {
  const view = await window.webviewFrame('noising');
  await view.getByRole('button', { name: 'Save Strip as PNG' }).click();
  const out = window.workspace.at('strip.png');
  await answerFileDialog(window, 'sprite-noised.png', out);
  await view.getByText('Saved as').first().waitFor();
  expect(readFileSync(out).length).toBeGreaterThan(100);
  expect(await readPictureSettings(out)).toMatchObject({
    image: 'sprite.png',
    timesteps: 100,
    at: [0, 14, 28, 42, 57, 71, 85, 99],
  });
});

it('replaces a file where the dialog was told to', async () => {
  const view = await window.webviewFrame('noising');
  const out = window.workspace.at('moving.gif');
  writeFileSync(out, 'somebody else’s');
  await view.getByRole('button', { name: 'Save as GIF' }).click();
  await replaceInFileDialog(window, 'sprite-noised.gif', out);
  await view
    .getByText(/Saved as .*moving\.gif/)
    .first()
    .waitFor();
  expect((await sharp(out, { animated: true }).metadata()).pages).toBe(8);
});

it('says in a sentence what cannot be read', async () => {
  await window.explorerMenu('torn.png', 'Show Forward Noising');
  const view = await window.webviewFrame('noising');
  await view.getByRole('heading', { name: 'Forward noising of torn.png' }).waitFor();
  await view
    .getByText(/Cannot use the image .*torn\.png/)
    .first()
    .waitFor();
});

it('fits into a narrow window', async () => {
  await window.explorerMenu('sprite.png', 'Show Forward Noising');
  await window.page.keyboard.press('Control+B');
  await window.resize(400);
  const view = await window.webviewFrame('noising');
  await view.getByText('24 × 24, colour').waitFor();
  await window.screenshot('noising-400');
});
