import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../src/core/base/errors';
import type { PartialTrainingConfig } from '../src/core/config/training-config';
import { DIST } from './bench';
import { peakBytesOf } from './side';

export interface TrainCommand {
  readonly name: string;
  readonly settings: PartialTrainingConfig;
  readonly threads: number;
  /** The bench's own; the run is made in it. */
  readonly folder: string;
}

export interface TrainedCommand {
  readonly run: string;
  /** Until the first step's line was read. */
  readonly firstStepSeconds: number;
  readonly peakBytes: number | null;
}

const POLL_MS = 20;

/** Runs `train` of the command line, as a user does, with nothing but its last checkpoint. */
export async function runTrain(command: TrainCommand): Promise<TrainedCommand> {
  const { name, settings, threads, folder } = command;
  const config = path.join(folder, `${name}.json`);
  const run = path.join(folder, name);
  const training = { ...settings.training, checkpointEvery: 0, previewEvery: 0 };
  await writeFile(config, JSON.stringify({ ...settings, training, threads }));
  const args = [path.join(DIST, 'cli.js'), 'train', '--config', config, '--out', run, '--json'];
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DIFFUSION_LAB_CACHE: path.join(folder, 'cache') },
  });
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words += data.toString()));
  let firstStepSeconds = NaN;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const isStep = (JSON.parse(line) as { type: string }).type === 'step';
    if (isStep && Number.isNaN(firstStepSeconds)) {
      firstStepSeconds = (performance.now() - start) / 1000;
    }
  });
  let peakBytes: number | null = null;
  const poll = setInterval(() => (peakBytes = peakBytesOf(child.pid!) ?? peakBytes), POLL_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(poll);
  if (code !== 0) throw new UserError(`diffusion-lab train ended with ${String(code)}: ${words}`);
  return { run, firstStepSeconds, peakBytes };
}
