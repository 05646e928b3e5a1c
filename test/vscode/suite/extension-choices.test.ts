import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { DiffusionApi } from '../../../src/extension/extension';
import {
  answering,
  diffusion,
  removeRuns,
  untilTraining,
  workspacePath,
  writeTinyConfiguration,
  type Dialogs,
} from './support';

const choosing =
  (key: string, value: string) =>
  (items: readonly Record<string, unknown>[]): unknown =>
    items.find((item) => item[key] === value);

describe('What is chosen in a dialog', () => {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'diffusion-outside-'));
  let api: DiffusionApi;
  let run: string;

  before(async () => {
    api = await diffusion();
    const configFile = writeTinyConfiguration('tiny', { steps: 2 });
    await vscode.commands.executeCommand('diffusion.train', { configFile });
    await untilTraining(api, 'the end', ({ state }) => state === 'finished');
    run = api.services.engine.training!.run!;
  });

  afterEach(async () => {
    const settings = vscode.workspace.getConfiguration('diffusion');
    await settings.update('device', undefined, vscode.ConfigurationTarget.Workspace);
    await settings.update('device', undefined, vscode.ConfigurationTarget.Global);
  });

  after(() => {
    removeRuns();
    rmSync(outside, { recursive: true });
  });

  const exportTo = (format: string, dialogs: Dialogs) =>
    answering({ showQuickPick: choosing('format', format), ...dialogs }, () =>
      vscode.commands.executeCommand('diffusion.export', run),
    );

  it('is exported over the file that the dialog has asked about', async () => {
    const file = path.join(outside, 'model.onnx');
    writeFileSync(file, 'mine');
    await exportTo('onnx', { showSaveDialog: () => Promise.resolve(vscode.Uri.file(file)) });
    assert.notEqual(readFileSync(file, 'latin1').slice(0, 4), 'mine');
  });

  it('gets the ending that was left out, and then replaces nothing', async () => {
    const file = path.join(outside, 'bare');
    const showSaveDialog = () => Promise.resolve(vscode.Uri.file(file));
    await exportTo('onnx', { showSaveDialog });
    assert.ok(existsSync(`${file}.onnx`));
    writeFileSync(`${file}.onnx`, 'mine');
    await exportTo('onnx', { showSaveDialog });
    assert.equal(readFileSync(`${file}.onnx`, 'utf8'), 'mine');
  });

  it('is exported into a new folder of the one that was chosen', async () => {
    await exportTo('diffusers', {
      showOpenDialog: () => Promise.resolve([vscode.Uri.file(outside)]),
    });
    const name = `${path.basename(run)}-${path.basename(run)}`;
    assert.ok(existsSync(path.join(outside, name, 'model_index.json')));
  });

  it('is the device, written where its value comes from', async () => {
    const settings = () => vscode.workspace.getConfiguration('diffusion').inspect('device');
    const choose = () =>
      answering({ showQuickPick: choosing('device', 'cpu') }, () =>
        vscode.commands.executeCommand('diffusion.selectDevice'),
      );
    await choose();
    assert.deepEqual(
      [settings()?.globalValue, settings()?.workspaceValue],
      ['cpu', undefined],
      'the user’s own',
    );
    await vscode.workspace
      .getConfiguration('diffusion')
      .update('device', 'auto', vscode.ConfigurationTarget.Workspace);
    await choose();
    assert.equal(settings()?.workspaceValue, 'cpu', 'the workspace’s');
  });

  it('is revealed in the explorer, or its path is offered where there is no desktop', async function () {
    await vscode.commands.executeCommand('diffusion.reveal', workspacePath('tiny.diffusion.json'));
    if (vscode.env.uiKind === vscode.UIKind.Desktop) this.skip();
    await vscode.env.clipboard.writeText('');
    let said = '';
    const showInformationMessage = (message: string, button: string) => {
      said = message;
      return Promise.resolve(button);
    };
    await answering({ showInformationMessage }, () =>
      vscode.commands.executeCommand('diffusion.reveal', outside),
    );
    assert.ok(said.includes(outside), said);
    assert.equal(await vscode.env.clipboard.readText(), outside);
  });
});
