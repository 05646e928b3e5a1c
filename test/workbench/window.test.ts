import { afterAll, beforeAll, expect, it } from 'vitest';
import { photographFailures, Workbench } from './support/workbench';

let window: Workbench;
photographFailures(() => window);

beforeAll(async () => {
  window = await Workbench.open();
});

afterAll(() => window?.close());

it('offers in the palette what can be done now, and nothing else', async () => {
  expect(await window.offersCommand('Diffusion: Train')).toBe(true);
  expect(await window.offersCommand('Diffusion: Doctor')).toBe(true);
  expect(await window.offersCommand('Diffusion: Stop Training')).toBe(false);
  expect(await window.offersCommand('Diffusion: Train from This Folder')).toBe(false);
});

it('has a container of its own, with an empty tree that says how to begin', async () => {
  await window.openContainer('Diffusion');
  await window.tree('Checkpoints').welcomeButton('Train on the built-in digits').waitFor();
  await window.screenshots('empty');
});
