import { mkdirSync, writeFileSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TrainingConfig } from '../../src/core/config/training-config';
import { photographFailures, Workbench } from './support/workbench';
import { Workspace } from './support/workspace';

const STEPS = 500_000;
/** Beyond a short run's time, on a machine that others use too: a quiet one takes a tenth. */
const MOST_MS = 5000;

let workspace: Workspace;
let window: Workbench;
photographFailures(() => window);

beforeAll(async () => {
  workspace = new Workspace({}, { 'diffusion.device': 'cpu' });
  writeRun('long', STEPS, '2026-11-20T10:00:00.000Z');
  window = await Workbench.open({ workspace });
});

afterAll(async () => {
  await window?.close();
  workspace?.remove();
});

/** A run that no one trained, of a line a step. */
function writeRun(name: string, steps: number, createdAt: string): void {
  mkdirSync(workspace.at('runs', name, 'checkpoints'), { recursive: true });
  mkdirSync(workspace.at('runs', name, 'samples'));
  const pieces: string[] = [];
  for (let step = 1; step <= steps; step++) {
    const loss = Math.fround(0.05 + Math.exp(-step / 2000));
    const line = { step, epoch: step / 625, time: step * 0.074, lr: 3e-3, gradNorm: 0.4, loss };
    const parts = Array.from({ length: 10 }, (_, i) => Number((loss / (i + 1)).toPrecision(5)));
    const rest = { imagesPerSecond: 507.3, lossByTimestep: parts, memory: 412 };
    pieces.push(`${JSON.stringify({ ...line, ...rest })}\n`);
  }
  writeFileSync(workspace.at('runs', name, 'metrics.jsonl'), pieces.join(''));
  const record = {
    format: 'diffusion-lab run',
    formatVersion: 1,
    name,
    status: 'finished',
    createdAt,
    config: TrainingConfig.parse({ dataset: 'digits', training: { steps } }),
    seed: 1,
    device: 'cpu',
    versions: {},
    dataset: { source: 'digits', fingerprint: 'x', images: null, imageSize: 16, channels: 1 },
    progress: { step: steps, seconds: steps * 0.074, loss: 0.05 },
  };
  workspace.write(`runs/${name}/run.json`, JSON.stringify(record));
}

/** Opens the panel of the newest run; the milliseconds until its last step is read out. */
async function opening(steps: string): Promise<number> {
  const before = Date.now();
  await window.runCommand('Diffusion: Open Training Panel');
  const view = await window.webviewFrame('training');
  const readout = view.locator('.curves .readout, .chart-body > .readout').first();
  await readout.filter({ hasText: `step ${steps} ` }).waitFor();
  return Date.now() - before;
}

it('opens a run of half a million steps not much later than a short one', async () => {
  await window.openContainer('Diffusion');
  await window.page.getByText('long').first().waitFor();
  const first = await opening('500,000');
  const view: Frame = await window.webviewFrame('training');
  await view.locator('.heat-canvas:visible').waitFor();
  await window.closeTab(/long/);
  const again = await opening('500,000');
  await window.closeTab(/long/);
  writeRun('short', 50, '2026-11-21T10:00:00.000Z');
  await window.page.getByText('short').first().waitFor();
  await opening('50');
  await window.closeTab(/short/);
  const short = await opening('50');
  process.stderr.write(
    `Opened after ${first} ms, and again after ${again} ms; a short run after ${short} ms.\n`,
  );
  expect(again - short).toBeLessThan(MOST_MS);
});
