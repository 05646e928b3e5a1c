import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../src/core/base/errors';
import type { PartialTrainingConfig } from '../src/core/config/training-config';
import { DIST } from './shared';
import { peakBytesOf } from './side';

/** A line that the command line prints with `--json`. */
export interface CommandEvent {
  readonly type: string;
}

export interface ProgramOptions {
  /** Where decoded data sets and feature networks are kept. */
  readonly cacheFolder: string;
  readonly onStart?: (child: ChildProcess) => void;
  readonly onEvent?: (event: CommandEvent) => void;
}

/**
 * Runs the command line with `--json`, as it is in `dist`.
 *
 * @throws UserError with what it says is wrong
 */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<void> {
  const program = [path.join(DIST, 'cli.js'), ...args, '--json'];
  const child = spawn(process.execPath, program, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DIFFUSION_LAB_CACHE: options.cacheFolder },
  });
  options.onStart?.(child);
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words += data.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    options.onEvent?.(JSON.parse(line) as CommandEvent);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) {
    throw new UserError(`diffusion-lab ${args[0]} ended with ${String(code)}: ${words.trim()}`);
  }
}

export interface TrainCommand {
  readonly name: string;
  readonly settings: PartialTrainingConfig;
  readonly threads: number;
  /** The bench's own; the run is made in it. */
  readonly folder: string;
  readonly onEvent?: (event: CommandEvent) => void;
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
  const start = performance.now();
  let firstStepSeconds = NaN;
  let peakBytes: number | null = null;
  let poll: NodeJS.Timeout | undefined;
  const onStart = ({ pid }: ChildProcess) => {
    poll = setInterval(() => (peakBytes = peakBytesOf(pid!) ?? peakBytes), POLL_MS);
  };
  const onEvent = (event: CommandEvent) => {
    if (event.type === 'step' && Number.isNaN(firstStepSeconds)) {
      firstStepSeconds = (performance.now() - start) / 1000;
    }
    command.onEvent?.(event);
  };
  const cacheFolder = path.join(folder, 'cache');
  const args = ['train', '--config', config, '--out', run];
  try {
    await runProgram(args, { cacheFolder, onStart, onEvent });
  } finally {
    clearInterval(poll);
  }
  return { run, firstStepSeconds, peakBytes };
}
