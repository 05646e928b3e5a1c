import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandLine } from './support/command-line';
import { poll } from './support/poll';
import { RunFiles } from './support/run-files';
import { TINY, tinyConfiguration } from './support/tiny';
import { photographFailures, Workbench } from './support/workbench';

const LONG_NAME = `a-run-with-a-name-that-${'goes-on-and-'.repeat(6)}on`;

/** What a run that cannot be read still offers: its checkpoints stand by themselves. */
const FROM_WHOLE_CHECKPOINTS = [
  'Sample from Checkpoint',
  'Compare Checkpoints',
  'Export…',
  'Reveal',
  'Delete…',
];

let window: Workbench;
let whole: RunFiles;
photographFailures(() => window);

beforeAll(async () => {
  const config = tinyConfiguration({ steps: 4, checkpointEvery: 2, previewEvery: 2 });
  window = await Workbench.open({ files: { [TINY]: config } });
  await window.openContainer('Diffusion');
});

afterAll(() => window?.close());

const tree = () => window.tree('Checkpoints');

/** Another run of the same content, made some minutes before. */
function copyOf(run: RunFiles, name: string, minutesAgo: number, changes: object = {}): RunFiles {
  const copy = new RunFiles(window.workspace.at('runs', name));
  cpSync(run.path, copy.path, { recursive: true });
  const record = JSON.parse(readFileSync(copy.at('run.json'), 'utf8')) as { createdAt: string };
  const createdAt = new Date(Date.parse(record.createdAt) - minutesAgo * 60_000).toISOString();
  writeFileSync(copy.at('run.json'), JSON.stringify({ ...record, createdAt, name, ...changes }));
  return copy;
}

it('says how to begin where there are no runs, and begins', async () => {
  await tree().pane.getByText('Runs and their checkpoints are listed here.').waitFor();
  await window.screenshots('tree-empty');
  await tree().welcomeButton('Train on the Built-in Digits').click();
  await window.statusBarItem(/\/2,000 · loss/).waitFor({ timeout: 60_000 });
  await tree()
    .row(/^digits-.*running/)
    .waitFor();
  await window.runCommand('Diffusion: Stop Training');
  await tree()
    .row(/^digits-.*stopped/)
    .waitFor();
});

it('deletes a run by the key, after it has asked, and closes its panel', async () => {
  const run = await RunFiles.only(window.workspace);
  await tree().row(run.name).click();
  await window.page.keyboard.press('Delete');
  const question = `Move the run ${run.name} with its checkpoints to the trash?`;
  expect(await window.dialogText()).toContain(question);
  await window.pressInDialog('Cancel');
  await tree().row(run.name).waitFor();
  expect(existsSync(run.path)).toBe(true);
  await window.page.keyboard.press('Delete');
  await window.confirmDeletion(run.path);
  await window.page.locator('.tabs-container .tab').waitFor({ state: 'detached' });
  await tree().welcomeButton('Train on the Built-in Digits').waitFor();
});

it('follows the disk: shows each run as what it is, the newest first', async () => {
  const line = CommandLine.train(window.workspace, TINY, 'whole');
  await line.finished();
  whole = line.run;
  copyOf(whole, LONG_NAME, 1);
  const progress = { step: 3, seconds: 1, loss: 0.5 };
  copyOf(whole, 'interrupted', 2, { status: 'running', progress });
  const incomplete = copyOf(whole, 'incomplete', 3);
  rmSync(incomplete.at('checkpoints/step-000004/unet/diffusion_pytorch_model.safetensors'));
  copyOf(whole, 'failed', 4, { status: 'failed', message: 'The disk is full.', progress });
  const torn = copyOf(whole, 'torn', 5);
  const record = readFileSync(torn.at('run.json'));
  writeFileSync(torn.at('run.json'), record.subarray(0, record.length / 2));
  window.workspace.write('runs/holiday/notes.txt', 'no run');
  window.workspace.write('runs/readme.txt', 'no run');
  await tree().row(/^torn/).waitFor();
  const texts = await poll('six runs', async () => {
    // The newest run may have been opened out when it was the only one.
    const found = (await tree().texts()).filter((text) => !text.startsWith('Step'));
    return found.length === 6 && found;
  });
  const loss = String.raw`loss \d\.\d+`;
  const sayings = [
    `^whole ?4 steps · ${loss} · finished$`,
    `^${LONG_NAME} ?4 steps · ${loss} · finished$`,
    String.raw`^interrupted ?3/4 · loss 0\.500 · interrupted$`,
    `^incomplete ?4 steps · ${loss} · finished$`,
    String.raw`^failed ?3/4 · loss 0\.500 · failed$`,
    '^torn ?cannot be read$',
  ];
  const shown = [...texts].sort();
  expect(shown).toEqual([...sayings].sort().map((saying) => expect.stringMatching(saying)));
  expect(texts.filter((text) => !text.startsWith('torn'))).toEqual(
    sayings.slice(0, 5).map((saying) => expect.stringMatching(saying)),
  );
});

it('says why a run or a checkpoint cannot be used, and offers nothing that needs it', async () => {
  await tree().row(/^torn/).hover();
  await window.hoverText(/torn.*run\.json is not valid JSON/s);
  await tree().openMenu(/^torn/);
  expect(await window.menuItems()).toEqual(FROM_WHOLE_CHECKPOINTS);
  await window.page.keyboard.press('Escape');
  await tree().expand(/^incomplete/);
  const faulty = tree().row(/^Step 4 ?cannot be used/);
  await faulty.hover();
  await window.hoverText(/diffusion_pytorch_model\.safetensors/);
  await tree().openMenu(/^Step 4 ?cannot be used/);
  expect(await window.menuItems()).toEqual(['Show Weights', 'Reveal', 'Delete…']);
  await window.page.keyboard.press('Escape');
  await window.screenshots('tree-states');
});

it('shows what a checkpoint draws', async () => {
  await tree().expand(/^whole/);
  await tree()
    .row(/^Step 4 ?loss/)
    .hover();
  const picture = window.page.locator('.monaco-hover img:visible');
  await picture.waitFor();
  const width = await picture.evaluate((image) => {
    return (image as unknown as { naturalWidth: number }).naturalWidth;
  });
  expect(width).toBeGreaterThan(0);
  await window.screenshot('tree-picture');
});

it('forgets a checkpoint that is deleted, on the disk or here', async () => {
  rmSync(whole.at('checkpoints/step-000004'), { recursive: true });
  await poll('one checkpoint of the run', async () => {
    return (await tree().texts()).filter((text) => /^Step \d ?loss/.test(text)).length === 2;
  });
  await tree().openMenu(/^Step 2 ?loss/);
  await window.menuItem('Delete…');
  expect(await window.dialogText()).toContain(
    'Move the checkpoint of step 2 of whole to the trash?',
  );
  await window.confirmDeletion(whole.at('checkpoints/step-000002'));
  await expect
    .poll(() =>
      tree()
        .row(/^whole/)
        .getAttribute('aria-expanded'),
    )
    .toBeNull();
});

it('renames a run by F2, with its folder', async () => {
  await tree()
    .row(/^interrupted/)
    .click();
  await window.page.keyboard.press('F2');
  await window.answer('renamed');
  await tree()
    .row(/^renamed ?3\/4/)
    .waitFor();
  expect(existsSync(window.workspace.at('runs', 'renamed', 'run.json'))).toBe(true);
  expect(existsSync(window.workspace.at('runs', 'interrupted'))).toBe(false);
});
