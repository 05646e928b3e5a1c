import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sprite } from './support/images';
import { poll } from './support/poll';
import { RunFiles } from './support/run-files';
import { photographFailures, Workbench } from './support/workbench';

const WHILE_TRAINING = 60_000;

let window: Workbench;
photographFailures(() => window);

beforeAll(async () => {
  window = await Workbench.open({
    files: { 'sprite.png': await sprite() },
    settings: { 'diffusion.device': 'cpu', 'diffusion.showProgress': 'none' },
  });
});

afterAll(() => window?.close());

const COUNTING = /[\d,]+\/2,000 · loss \d/;
const tree = () => window.tree('Checkpoints');

/** The step that the status bar shows. */
async function step(): Promise<number> {
  const text = await window.statusBarText(COUNTING);
  return Number(/([\d,]+)\/2,000/.exec(text)![1]!.replaceAll(',', ''));
}

/** The losses of the table beside the curve, from the first row to the last. */
async function losses(view: Frame): Promise<number[]> {
  const asTable = view.locator('vscode-button[title="Show as table"]').first();
  await asTable.click();
  const cells = view.locator('.chart-card').first().locator('tbody tr td:nth-child(4)');
  const found = (await cells.allInnerTexts()).map(Number);
  await asTable.click();
  return found;
}

it('trains on the built-in digits in two picks, and the status bar counts up', async () => {
  await window.openContainer('Diffusion');
  await tree().welcomeButton('Train on the Built-in Digits').waitFor();
  await window.runCommand('Diffusion: Train');
  await window.quickPick('Built-in digits');
  await window.quickPick('quick');
  await window.statusBarItem(COUNTING).waitFor({ timeout: WHILE_TRAINING });
  const first = await step();
  await expect.poll(step, { timeout: WHILE_TRAINING }).toBeGreaterThan(first);
});

it('gains a checkpoint in the tree while it goes on', async () => {
  await window.runCommand('Diffusion: Checkpoint Now');
  const run = await RunFiles.only(window.workspace);
  await tree()
    .row(/^Step [\d,]+loss/)
    .waitFor();
  const [written] = run.checkpoints;
  const line = await poll('its line of metrics', async () => run.metrics[written! - 1]);
  const loss = line.loss.toPrecision(3);
  expect((await tree().texts()).at(-1)).toMatch(new RegExp(`^Step ${written} ?loss ${loss}`));
  expect(run.status).toBe('running');
});

it('shows a falling loss in the training panel', async () => {
  const view = await window.webviewFrame('training');
  await expect.poll(step, { timeout: WHILE_TRAINING }).toBeGreaterThan(60);
  const falling = await losses(view);
  const mean = (part: readonly number[]) => part.reduce((sum, loss) => sum + loss) / part.length;
  expect(falling.length).toBeGreaterThan(20);
  expect(mean(falling.slice(-10))).toBeLessThan(mean(falling.slice(0, 10)) / 2);
  await window.screenshots('journey-training');
});

it('stops with a checkpoint of the step it had reached', async () => {
  await window.runCommand('Diffusion: Stop Training');
  await window.statusBarItem(COUNTING).waitFor({ state: 'detached', timeout: WHILE_TRAINING });
  const run = await RunFiles.only(window.workspace);
  await tree()
    .row(/stopped/)
    .waitFor();
  expect(run.status).toBe('stopped');
  expect(run.checkpoints).toEqual([expect.any(Number), run.lastStep]);
  await tree()
    .row(new RegExp(`^Step ${run.lastStep}`))
    .waitFor();
  await window.screenshots('journey-stopped');
});

it('samples from a checkpoint of the tree, and shows how the pictures form', async () => {
  const { lastStep } = await RunFiles.only(window.workspace);
  await tree().openMenu(new RegExp(`^Step ${lastStep}`));
  await window.menuItem('Sample from Checkpoint');
  const view = await window.webviewFrame('samples');
  const row = view.locator('.sample-row').first();
  await row.getByText(/^Step \d+ of 50, t = \d+/).waitFor();
  await poll('a frame on the way', async () => (await row.locator('canvas').count()) > 0);
  await row.getByText(/ s on cpu, .* 16 images/).waitFor({ timeout: WHILE_TRAINING });
  await view.getByText('step 50 of 50, t =').first().waitFor();
  await window.screenshots('journey-samples');
});

it('shows the forward noising of an image that is right-clicked in the explorer', async () => {
  await window.openContainer('Explorer');
  await window.explorerMenu('sprite.png', 'Show Forward Noising');
  const view = await window.webviewFrame('noising');
  await view.getByRole('heading', { name: 'Forward noising of sprite.png' }).waitFor();
  await view.getByText('24 × 24, colour').waitFor();
  await window.screenshots('journey-noising');
});
