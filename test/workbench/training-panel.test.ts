import { rmSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunFiles } from './support/run-files';
import { photographFailures, Workbench } from './support/workbench';

/** Some seconds of training on one core. */
const SETTINGS = { 'diffusion.threads': 1, 'diffusion.device': 'cpu' };

/** A feature network has to be trained first. */
const EVALUATING = { timeout: 120_000 };

let window: Workbench;
let view: Frame;
photographFailures(() => window);

beforeAll(async () => {
  window = await Workbench.open({ settings: SETTINGS });
  await window.runCommand('Diffusion: Train');
  await window.quickPick('Built-in digits');
  await window.quickPick('quick');
  view = await window.webviewFrame('training');
});

afterAll(() => window?.close());

const step = async () => {
  const text = await view.locator('.steps').innerText();
  return Number(/step ([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
};
const pill = () => view.locator('.pill').innerText();
const press = (name: string) => view.getByRole('button', { name, exact: true }).click();

/** The losses of the table beside the curve, from the first row to the last. */
async function losses(): Promise<number[]> {
  const cells = view.locator('.chart-card').first().locator('tbody tr td:nth-child(4)');
  return (await cells.allInnerTexts()).map(Number);
}

it('shows a training as it goes on, with a falling loss', async () => {
  await expect.poll(pill, { timeout: 60_000 }).toBe('Running');
  await expect.poll(step, { timeout: 60_000 }).toBeGreaterThan(20);
  await view.locator('vscode-button[title="Show as table"]').first().click();
  const falling = await losses();
  expect(falling.length).toBeGreaterThan(10);
  expect(falling.at(-1)!).toBeLessThan(falling[0]! / 2);
  await view.locator('vscode-button[title="Show as table"]').first().click();
});

it('holds it, lets it go on, writes a checkpoint', async () => {
  await press('Pause');
  await expect.poll(pill).toBe('Paused');
  await press('Checkpoint now');
  await view.locator('.legend', { hasText: 'checkpoint' }).waitFor();
  await press('Continue');
  await expect.poll(pill).toBe('Running');
});

it('is as it was left when it is shown again', async () => {
  await view.getByRole('checkbox', { name: 'Log scale' }).click();
  await window.runCommand('File: New Untitled Text File');
  await window.showTab(/digits-/);
  view = await window.webviewFrame('training');
  await view.locator('.steps').waitFor();
  expect(await view.getByRole('checkbox', { name: 'Log scale' }).isChecked()).toBe(false);
  await window.screenshots('training');
});

it('evaluates in its course, once the cost was shown', async () => {
  const card = view.locator('.evaluation-card');
  const fill = async (name: string, value: string) => {
    const field = card.getByRole('textbox', { name });
    await field.fill(value);
    await field.press('Tab');
  };
  const control = (name: string) => card.getByRole('button', { name, exact: true });
  await fill('Evaluate every', '5');
  await fill('Samples', '100');
  await control('Show the cost').click();
  await card.getByText(/about .* each, which makes the training \d+ % longer/).waitFor(EVALUATING);
  await control('Turn on').click();
  await control('Turn off').waitFor();
  await expect.poll(pill, EVALUATING).toBe('Evaluating');
  await card.locator('.legend', { hasText: /samples\s*\d/ }).waitFor(EVALUATING);
  await control('Turn off').click();
  await control('Turn on').waitFor(EVALUATING);
  await card.scrollIntoViewIfNeeded();
  await window.screenshots('evaluation');
}, 300_000);

it('ends it with a checkpoint', async () => {
  await press('Stop');
  await expect.poll(pill, { timeout: 60_000 }).toBe('Stopped');
  await view.getByRole('button', { name: 'Resume', exact: true }).waitFor();
});

it('is there again when the window is loaded again', async () => {
  await window.reloadWindow();
  view = await window.webviewFrame('training');
  await view.locator('h1:visible', { hasText: 'digits-' }).waitFor();
  await expect.poll(pill, { timeout: 30_000 }).toBe('Stopped');
  expect(await view.getByRole('checkbox', { name: 'Log scale' }).isChecked()).toBe(false);
  expect(await view.locator('.readout').first().innerText()).toMatch(/^step \d/);
});

it('says when its run is gone from the disk', async () => {
  const run = await RunFiles.only(window.workspace);
  rmSync(run.path, { recursive: true });
  await view.locator('[role="alert"]:visible', { hasText: 'is not there any more' }).waitFor();
});
