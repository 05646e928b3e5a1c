import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type Server } from '../../scripts/vscode-host.mjs';
import { Scratch } from '../support/bundles';
import { CommandLine } from './support/command-line';
import { RunFiles } from './support/run-files';
import { TINY, tinyConfiguration } from './support/tiny';
import { photographFailures, Workbench } from './support/workbench';
import { Workspace } from './support/workspace';

const scratch = new Scratch();
let server: Server;
let workspace: Workspace;
let window: Workbench;
photographFailures(() => window);

/** A server that asks for trust, and a workspace with a run that somebody else made. */
beforeAll(async () => {
  server = await startServer({
    dataFolder: scratch.at('data'),
    env: { DIFFUSION_LAB_CACHE: scratch.at('cache') },
    trust: true,
  });
  workspace = new Workspace({ [TINY]: tinyConfiguration({ steps: 6 }) }, {});
  await CommandLine.train(workspace, TINY, 'theirs').finished();
  window = await Workbench.open({ port: server.port, extension: server.sources, workspace });
});

afterAll(async () => {
  await window?.close();
  await server?.stop();
  workspace?.remove();
  scratch.remove();
});

const tree = () => window.tree('Checkpoints');

it('shows the runs of a workspace that is not trusted, and says that training is off', async () => {
  await window.pressInDialog('No, I don');
  await window.openContainer('Diffusion');
  await tree()
    .row(/theirs.*6 steps.*finished/)
    .waitFor();
  await tree().pane.getByText('Training is off, because this workspace is not trusted.').waitFor();
  await tree().expand('theirs');
  await tree()
    .row(/^Step 6/)
    .waitFor();
  await window.screenshots('untrusted');
});

it('draws samples there', async () => {
  await tree().openMenu(/^Step 6/);
  expect(await window.menuItems()).not.toContain('Resume Training from Checkpoint');
  await window.menuItem('Sample from Checkpoint');
  const view = await window.webviewFrame('samples');
  await view.getByText(/ s on cpu, .* 16 images/).waitFor();
});

it('refuses to train there, and says why and what to do', async () => {
  await window.runCommand('Diffusion: Train');
  await window.notification(
    'Training is off in Restricted Mode: training writes into this workspace',
  );
  expect(RunFiles.all(workspace)).toHaveLength(1);
});

it('trains once the workspace is trusted', async () => {
  await window.pressInNotification('Training is off in Restricted Mode', 'Manage Workspace Trust');
  await window.page
    .locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ })
    .click();
  await tree().pane.getByText('Training is off').waitFor({ state: 'hidden' });
  await window.runCommand('Diffusion: Train');
  await window.quickPick(TINY);
  await window.notification(/finished: 6 steps/);
  expect(RunFiles.all(workspace).map(({ status }) => status)).toEqual(['finished', 'finished']);
});
