import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { DiffusionApi } from '../../../src/extension/extension';
import {
  diffusion,
  removeRuns,
  until,
  untilTraining,
  workspacePath,
  writeTinyConfiguration,
} from './support';

describe('What lies on the disk', () => {
  let api: DiffusionApi;

  before(async () => {
    api = await diffusion();
  });

  afterEach(removeRuns);

  const finishedRun = async (): Promise<string> => {
    const configFile = writeTinyConfiguration('tiny', { steps: 4, checkpointEvery: 2 });
    await vscode.commands.executeCommand('diffusion.train', { configFile });
    await untilTraining(api, 'the end', ({ state }) => state === 'finished');
    await api.services.runs.refresh();
    return api.services.engine.training!.run!;
  };

  it('is followed: a run that is removed leaves the list, one that comes is in it', async () => {
    const { runs } = api.services;
    const run = await finishedRun();
    assert.ok(runs.find(run));
    const kept = `${run}-kept`;
    const record = readFileSync(path.join(run, 'run.json'));
    rmSync(run, { recursive: true });
    await until('the list without it', runs.onDidChange, () => !runs.find(run));
    mkdirSync(kept);
    writeFileSync(path.join(kept, 'run.json'), record);
    await until('the list with the other', runs.onDidChange, () => !!runs.find(kept));
  });

  it('is renamed, and its training panel goes along', async () => {
    const { runs } = api.services;
    const run = await finishedRun();
    const isOpen = (name: string) =>
      vscode.window.tabGroups.all.some(({ tabs }) => tabs.some(({ label }) => label === name));
    await vscode.commands.executeCommand('diffusion.openTrainingPanel', run);
    await until('its panel', vscode.window.tabGroups.onDidChangeTabs, () =>
      isOpen(path.basename(run)),
    );
    const ask = vscode.window.showInputBox;
    Object.assign(vscode.window, { showInputBox: () => Promise.resolve('renamed') });
    try {
      await vscode.commands.executeCommand('diffusion.renameRun', run);
    } finally {
      Object.assign(vscode.window, { showInputBox: ask });
    }
    await until('the panel’s new name', vscode.window.tabGroups.onDidChangeTabs, () =>
      isOpen('renamed'),
    );
    assert.equal(isOpen(path.basename(run)), false);
    assert.ok(runs.find(workspacePath('runs', 'renamed')));
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows a torn record as broken, and no folder that is no run', async () => {
    const { runs } = api.services;
    mkdirSync(workspacePath('runs', 'torn'), { recursive: true });
    writeFileSync(workspacePath('runs', 'torn', 'run.json'), '{"format": "diffus');
    mkdirSync(workspacePath('runs', 'foreign'));
    writeFileSync(workspacePath('runs', 'foreign', 'notes.txt'), 'mine');
    await runs.refresh();
    assert.deepEqual(
      runs.runs.map(({ name, status }) => [name, status]),
      [['torn', 'broken']],
    );
    assert.match(runs.runs[0]!.message ?? '', /run\.json/);
  });

  it('shows why a checkpoint cannot be used, and the others as they are', async () => {
    const { runs } = api.services;
    const run = await finishedRun();
    rmSync(path.join(run, 'checkpoints', 'step-000004', 'unet'), { recursive: true });
    await runs.refresh();
    const [torn, whole] = runs.find(run)!.checkpoints;
    assert.equal(torn?.step, 4);
    assert.ok(torn.fault, 'the torn one says why');
    assert.equal(whole?.fault, null);
    rmSync(path.join(run, 'checkpoints', 'step-000004'), { recursive: true });
    await until('the list without it', runs.onDidChange, () => {
      return runs.find(run)?.checkpoints.length === 1;
    });
  });
});

describe('Training configurations', () => {
  const made = [
    workspacePath('training.diffusion.json'),
    workspacePath('training-2.diffusion.json'),
  ];

  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    made.forEach((file) => rmSync(file, { force: true }));
  });

  it('are written beside what is there, never over it', async () => {
    await diffusion();
    writeFileSync(made[0]!, '{ "dataset": "mine" }');
    await vscode.commands.executeCommand('diffusion.newConfiguration');
    assert.equal(readFileSync(made[0]!, 'utf8'), '{ "dataset": "mine" }');
    assert.ok(existsSync(made[1]!));
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, made[1]);
  });

  it('have “Train” above their first line', async () => {
    await diffusion();
    const file = vscode.Uri.file(writeTinyConfiguration('tiny', { steps: 4 }));
    await vscode.window.showTextDocument(file);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      file,
    );
    assert.deepEqual(
      lenses.map(({ command, range }) => [command?.command, range.start.line]),
      [['diffusion.trainFromConfiguration', 0]],
    );
  });

  it('are checked by the editor against the schema of the core', async () => {
    const file = vscode.Uri.file(
      writeTinyConfiguration('wrong', { steps: 0, learningRate: 1, batchSize: 8 }),
    );
    await vscode.window.showTextDocument(file);
    const messages = () => vscode.languages.getDiagnostics(file).map(({ message }) => message);
    await until('the diagnostics', vscode.languages.onDidChangeDiagnostics, () => {
      return messages().length >= 2;
    });
    assert.equal(messages().length, 2, messages().join('\n'));
    assert.match(messages().join('\n'), /learningRate/);
    assert.match(messages().join('\n'), /minimum of 1/);
    rmSync(file.fsPath);
  });
});
