import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { photographFailures, Workbench } from './support/workbench';

let window: Workbench;
photographFailures(() => window);

const FIXTURE = path.resolve(
  import.meta.dirname,
  '../fixtures/diffusers/learned/unet/diffusion_pytorch_model.safetensors',
);
/** The smallest training that leaves two checkpoints. */
const TRAINING = ['train', '--preset', 'quick', '--steps', '4', '--checkpoint-every', '2'];

beforeAll(async () => {
  const whole = readFileSync(FIXTURE);
  const files = { 'net.safetensors': whole, 'torn.safetensors': whole.subarray(0, 5000) };
  window = await Workbench.open({ files, settings: { 'diffusion.device': 'cpu' } });
  const run = window.workspace.at('runs', 'digits-1');
  const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');
  const args = [cli, ...TRAINING, '--device', 'cpu', '--quiet', '--out', run];
  await promisify(execFile)(process.execPath, args);
});

afterAll(() => window?.close());

it('opens a safetensors file, and measures the tensor that is chosen', async () => {
  await (await window.explorerRow('net.safetensors')).dblclick();
  const view = await window.webviewFrame('safetensors');
  await view.getByRole('heading', { name: 'net.safetensors' }).waitFor();
  await view.getByText('There is no config.json beside net.safetensors').waitFor();
  await view.getByRole('treeitem', { name: /^time_proj/ }).click();
  await view.getByRole('treeitem', { name: /^weight F32 100 × 8/ }).click();
  await view.getByRole('img', { name: /^Histogram of the numbers/ }).waitFor();
  await window.screenshots('safetensors');
});

it('says why a torn file cannot be read', async () => {
  await window.closeTab('net.safetensors');
  await (await window.explorerRow('torn.safetensors')).dblclick();
  const view = await window.webviewFrame('safetensors');
  await view.getByText(/torn\.safetensors is cut short/).waitFor();
  await window.closeTab('torn.safetensors');
});

it('shows in which tensors two checkpoints differ', async () => {
  await window.runCommand('Diffusion: Compare Weights');
  await window.quickPick('digits-1: step 4');
  await window.quickPick('digits-1: step 2');
  const view = await window.webviewFrame('safetensors');
  await view.getByRole('heading', { name: 'Compared with digits-1: step 2' }).waitFor();
  const text = await view.getByRole('region', { name: 'Comparison' }).innerText();
  expect(text).toMatch(/\d+ of \d+ tensors differ/);
  await view.getByText(/^diffusers would load .*step-000004\.$/).waitFor();
});

it('compares again when the other’s file is another', async () => {
  const weightsOf = (step: number) =>
    window.workspace.at(
      ...['runs', 'digits-1', 'checkpoints', `step-00000${step}`],
      ...['unet', 'diffusion_pytorch_model.safetensors'],
    );
  copyFileSync(weightsOf(4), `${weightsOf(2)}.new`);
  renameSync(`${weightsOf(2)}.new`, weightsOf(2));
  const view = await window.webviewFrame('safetensors');
  const comparison = view.getByRole('region', { name: 'Comparison' });
  await comparison.getByText(/^All \d+ tensors are the same\.$/).waitFor();
});
