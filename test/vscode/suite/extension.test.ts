import assert from 'node:assert/strict';
import { before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import manifest from '../../../package.json';

const declared = manifest.contributes.commands.map(({ command }) => command);

describe('The extension', () => {
  const extension = vscode.extensions.getExtension(`${manifest.publisher}.${manifest.name}`);

  before(async () => {
    await extension?.activate();
  });

  it('is found and can be activated', () => {
    assert.ok(extension, 'VS Code knows the extension');
    assert.equal(extension.isActive, true);
  });

  it('has a handler for each command that it declares', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    assert.ok(declared.length > 0, 'commands are declared');
    assert.deepEqual(
      declared.filter((command) => !registered.has(command)),
      [],
    );
  });

  it('declares each command that starts with its prefix, or keeps it to itself', async () => {
    const ours = (await vscode.commands.getCommands(true)).filter(
      (command) => command.startsWith('diffusion.') && !isOfAView(command),
    );
    assert.deepEqual(
      ours.filter((command) => !declared.includes(command)),
      [],
    );
  });
});

/** VS Code makes commands of its own for each view: focus, open, resetViewLocation, … */
function isOfAView(command: string): boolean {
  return command.split('.').length > 2;
}
