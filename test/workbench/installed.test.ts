import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Server } from '../../scripts/vscode-host.mjs';
import { Scratch } from '../support/bundles';
import { startInstalled } from './support/installed';
import { photographFailures, Workbench } from './support/workbench';

const scratch = new Scratch();
let server: Server;
let window: Workbench;
photographFailures(() => window);

beforeAll(async () => {
  server = await startInstalled(scratch.path);
  window = await Workbench.open({
    port: server.port,
    extension: null,
    settings: { 'diffusion.device': 'cpu' },
  });
});

afterAll(async () => {
  await window?.close();
  await server?.stop();
  scratch.remove();
});

it('trains after it was installed from its package', async () => {
  await window.runCommand('Diffusion: Train');
  await window.quickPick('Built-in digits');
  await window.quickPick('quick');
  await window.statusBarItem(/[1-9]\d*\/[\d,]+ · loss \d/).waitFor({ timeout: 60_000 });
  await window.runCommand('Diffusion: Stop Training');
  await window.statusBarItem(/ · loss \d/).waitFor({ state: 'detached', timeout: 60_000 });
  const [run] = readdirSync(window.workspace.at('runs'));
  expect(readdirSync(window.workspace.at('runs', run!, 'checkpoints'))).toHaveLength(1);
});

it('samples from the checkpoint', async () => {
  await window.openContainer('Diffusion');
  const tree = window.tree('Checkpoints');
  await tree.expand(/digits/);
  await tree.inlineAction(/^step /i, 'Sample');
  const view = await window.webviewFrame('samples');
  await view.getByText(/ s on cpu, .* 16 images/).waitFor();
  await view.locator('.sample-rows canvas').first().waitFor();
  expect(await window.page.locator('.tabs-container .tab').count()).toBe(2);
  await window.screenshot('installed');
});
