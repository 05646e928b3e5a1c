import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandLine } from './support/command-line';
import { poll } from './support/poll';
import { RunFiles, type MetricsRow } from './support/run-files';
import { ENDLESS, TINY, tinyConfiguration } from './support/tiny';
import { photographFailures, Workbench } from './support/workbench';

const COUNTING = /[\d,]+\/1,000,000 · loss \d/;
/** So many steps are trained again after a crash, at least. */
const LOST = 5;

let window: Workbench;
let run: RunFiles;
let byHand: CommandLine | undefined;
photographFailures(() => window);

beforeAll(async () => {
  const files = { [TINY]: tinyConfiguration({ steps: ENDLESS }) };
  window = await Workbench.open({ files });
  await window.openContainer('Diffusion');
});

afterAll(async () => {
  await window?.close();
  await byHand?.interrupt();
});

const tree = () => window.tree('Checkpoints');
const counting = () => window.statusBarItem(COUNTING).waitFor();
const goesOn = (from: number) => poll(`steps after ${from}`, async () => run.lastStep > from);
const inWords = (count: number) => count.toLocaleString('en-US');

it('says once that its engine was killed, and goes on from the last checkpoint', async () => {
  await window.runCommand('Diffusion: Train');
  await window.quickPick(TINY);
  await counting();
  run = await RunFiles.only(window.workspace);
  await window.runCommand('Diffusion: Checkpoint Now');
  await tree()
    .row(/^Step \d/)
    .waitFor();
  const kept = run.checkpoints.at(-1)!;
  await goesOn(kept + LOST);
  const killed = run.writer!;
  process.kill(killed, 'SIGKILL');
  await window.notification(/ended unexpectedly while it trained/);
  await tree()
    .row(/interrupted/)
    .waitFor();
  await window.statusBarItem(COUNTING).waitFor({ state: 'detached' });
  expect(await window.notifications()).toEqual([
    expect.stringContaining(`It can go on from its checkpoint of step ${inWords(kept)}.`),
  ]);
  const before = run.metrics;

  await window.pressInNotification(/ended unexpectedly/, 'Resume');
  await counting();
  const lost = ({ step }: MetricsRow) => step > kept && step <= kept + LOST;
  const timesOf = (rows: readonly MetricsRow[]) => rows.filter(lost).map(({ time }) => time);
  const lossesOf = (rows: readonly MetricsRow[]) => rows.filter(lost).map(({ loss }) => loss);
  const after = await poll('the lost steps, trained again', async () => {
    const { metrics } = run;
    const isAgain = String(timesOf(metrics)) !== String(timesOf(before));
    return isAgain && timesOf(metrics).length === LOST && metrics;
  });
  expect(after.slice(0, kept)).toEqual(before.slice(0, kept));
  expect(lossesOf(after)).toEqual(lossesOf(before));
  expect(RunFiles.all(window.workspace)).toHaveLength(1);
  expect(run.writer).not.toBe(killed);
});

it('ends with a checkpoint when the window is closed, and the next window offers to resume it', async () => {
  await window.closeWindow();
  window.workspace.change({ 'diffusion.whenWindowCloses': 'continue' });
  // At once: the engine may still be ending the training.
  await window.reopenWindow();
  await window.notification(/was stopped at step [\d,]+ when its window closed\. Resume\?/);
  const { lastStep } = run;
  expect(run.status).toBe('stopped');
  expect(run.checkpoints.at(-1)).toBe(lastStep);
  const offer = `was stopped at step ${inWords(lastStep)} when its window closed. Resume?`;
  await window.pressInNotification(offer, 'Resume');
  await counting();
  await goesOn(lastStep);
});

it('goes on without a window where that is wanted, and the next window follows and stops it', async () => {
  const engine = run.writer;
  await window.closeWindow();
  await goesOn(run.lastStep + LOST);
  await window.reopenWindow();
  await counting();
  expect(run.writer).toBe(engine);
  await window.openContainer('Diffusion');
  await tree()
    .row(/ · running$/)
    .waitFor();
  expect(await window.notifications()).toEqual([]);
  await window.runCommand('Diffusion: Stop Training');
  await tree()
    .row(/stopped/)
    .waitFor();
  expect(run.status).toBe('stopped');
  expect(run.writer).toBeNull();
  expect(run.checkpoints.at(-1)).toBe(run.lastStep);
});

it('shows a training of the command line as it goes on, in the tree and in its panel', async () => {
  byHand = CommandLine.train(window.workspace, TINY, 'by-hand');
  const row = tree().row(/^by-hand/);
  await tree()
    .row(/^by-hand.*\/1,000,000 · loss \d.* · running elsewhere/)
    .waitFor();
  const shown = async () =>
    Number(/by-hand\s*([\d,]+)\//.exec(await row.innerText())![1]!.replaceAll(',', ''));
  const first = await shown();
  await poll('a later step in the tree', async () => (await shown()) > first);

  await row.click();
  const view = await window.webviewFrame('training');
  await view.getByRole('heading', { name: 'by-hand' }).waitFor();
  await view.locator('.pill', { hasText: 'Running elsewhere' }).waitFor();
  const readout = view.locator('.readout').first();
  const then = await readout.innerText();
  await poll('a later step in the panel', async () => (await readout.innerText()) !== then);
  await window.screenshot('lives-elsewhere');
  await byHand.interrupt();
  await tree()
    .row(/^by-hand.*stopped/)
    .waitFor();
  await view.locator('.pill', { hasText: 'Stopped' }).waitFor();
});

it('refuses in a sentence to resume what the command line is training', async () => {
  byHand = CommandLine.resume(byHand!.run);
  await tree()
    .row(/^by-hand.*running elsewhere/)
    .waitFor();
  await tree().expand(/^by-hand/);
  const step = inWords(byHand.run.checkpoints.at(-1)!);
  await tree().openMenu(new RegExp(`^Step ${step}(?![\\d,])`));
  await window.menuItem('Resume Training from Checkpoint');
  await window.notification(`is being trained by process ${byHand.pid}; stop that first`);
  await expect.poll(() => window.notifications()).toHaveLength(1);
  expect(byHand.run.writer).toBe(byHand.pid);
  await byHand.interrupt();
});
