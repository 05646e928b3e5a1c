import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPictureSettings } from '../../src/core/base/picture';
import { answerFileDialog } from './support/file-dialog';
import { poll } from './support/poll';
import { photographFailures, Workbench } from './support/workbench';

let window: Workbench;
photographFailures(() => window);

/** The smallest training that leaves checkpoints to sample from. */
const TRAINING = ['train', '--preset', 'quick', '--steps', '4', '--device', 'cpu', '--quiet'];

beforeAll(async () => {
  window = await Workbench.open({ settings: { 'diffusion.device': 'cpu' } });
  const run = window.workspace.at('runs', 'digits-1');
  const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
  await promisify(execFile)(process.execPath, [cli, ...TRAINING, '--out', run]);
});

afterAll(() => window?.close());

const textField = (view: Frame, name: string) => view.getByRole('textbox', { name });

async function sampleInView(view: Frame): Promise<void> {
  await view.getByRole('button', { name: 'Sample', exact: true }).click();
  await view
    .getByText(/ s on cpu, .* thread/)
    .first()
    .waitFor();
}

it('draws samples that form live, and moves through every step', async () => {
  await window.runCommand('Diffusion: Open Samples Panel');
  const view = await window.webviewFrame('samples');
  const chosen = view.locator('vscode-option[selected]', { hasText: 'digits-1 · step 4' });
  await chosen.waitFor({ state: 'attached' });
  await textField(view, 'Steps').fill('12');
  await textField(view, 'Seed').fill('5');
  await sampleInView(view);
  await view.getByText('step 12 of 12, t =').first().waitFor();
  const slider = view.getByRole('slider', { name: 'Step of the reverse process' });
  await slider.press('ArrowLeft');
  await view.getByText('step 11 of 12, t =').first().waitFor();
  await view.getByRole('listbox').first().press('ArrowRight');
  await view.getByText('Sample 1 of DDIM, 12 steps').waitFor();
  await window.screenshots('samples');
});

it('saves a picture that restores its settings, which draw the same bytes', async () => {
  const view = await window.webviewFrame('samples');
  const save = async (name: string) => {
    await view.getByRole('button', { name: 'Save PNG' }).click();
    await answerFileDialog(window, '.png', window.workspace.at(name));
    await view.getByText(new RegExp(`Saved as .*${name}`)).waitFor();
    return readFileSync(window.workspace.at(name));
  };
  const first = await save('first.png');
  expect(await readPictureSettings(window.workspace.at('first.png'))).toMatchObject({
    seed: 5,
    steps: 12,
  });
  await textField(view, 'Seed').fill('6');
  await textField(view, 'Steps').fill('3');
  await sampleInView(view);
  await view.getByText('seed 6').first().waitFor();
  await view.getByText('More settings').click();
  await view.getByRole('button', { name: 'Restore from Picture …' }).click();
  await answerFileDialog(window, '/', window.workspace.at('first.png'));
  await view.getByText('The settings of the picture are restored.').waitFor();
  await sampleInView(view);
  await view.getByText('seed 5').first().waitFor();
  expect(Buffer.compare(await save('again.png'), first)).toBe(0);
});

it('comes back with its samples when it was hidden', async () => {
  await window.runCommand('File: New Untitled Text File');
  await window.showTab('Diffusion Samples');
  const view = await window.webviewFrame('samples');
  await view.getByText('step 12 of 12, t =').first().waitFor();
});

it('comes back with its settings when the window is loaded again', async () => {
  const before = await window.webviewFrame('samples');
  await textField(before, 'Seed').fill('41');
  await textField(before, 'Steps').fill('12');
  await textField(before, 'Steps').press('Tab');
  await window.reloadWindow();
  await window.showTab('Diffusion Samples');
  const view = await window.webviewFrame('samples');
  const field = async (name: string) => textField(view, name).inputValue();
  await poll('the seed that was kept', async () => (await field('Seed')) === '41');
  expect(await field('Steps')).toBe('12');
  await view
    .getByText(/digits-1 · step 4/)
    .first()
    .waitFor({ state: 'attached' });
  await sampleInView(view);
  await view.getByText('seed 41').first().waitFor();
});

it('fits into a narrow window', async () => {
  await window.page.keyboard.press('Control+B');
  await window.resize(400);
  const view = await window.webviewFrame('samples');
  await view.getByText('step 12 of 12, t =').first().waitFor();
  await window.screenshot('samples-400');
});
