import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { StoppedError, UserError } from '../core/base/errors';
import { probeDevice } from '../core/runtime/devices';
import { installTensorflow } from '../core/runtime/tensorflow/install';
import { INSTALL_NEEDS, platformProblem } from '../core/runtime/tensorflow/install-protocol';
import { catchInterrupts } from './interrupts';
import { withCommonOptions, type CommonOptions } from './options';
import { Output } from './output';
import { surroundings } from './surroundings';

interface InstallCommandOptions extends CommonOptions {
  readonly yes?: boolean;
}

const NOTES = `
Installs @tensorflow/tfjs-node-gpu by npm into the cache folder, for
--device tensorflow. ${INSTALL_NEEDS.replace(/(.{1,72})(\s|$)/g, '$1\n').trim()}
`;

export function installTensorflowCommand(program: Command): void {
  const command = program
    .command('install-tensorflow')
    .description('Install TensorFlow’s CUDA runtime, for --device tensorflow.')
    .option('--yes', 'install without asking');
  withCommonOptions(command, { quiet: true }).addHelpText('after', NOTES).action(runInstall);
}

async function runInstall(options: InstallCommandOptions): Promise<void> {
  const problem = platformProblem();
  if (problem) throw new UserError(`${problem}; use another device, such as webgpu.`);
  process.stderr.write(`${INSTALL_NEEDS}\n`);
  if (!options.yes) await confirm();
  const output = new Output(Boolean(options.json));
  const interrupts = catchInterrupts(() => process.stderr.write('Stopping.\n'));
  const places = surroundings();
  try {
    const folder = await installTensorflow({
      cacheFolder: places.cacheFolder,
      signal: interrupts.signal,
      onProgress: (line) => {
        output.event({ type: 'progress', line });
        const isFetch = line.startsWith('npm http');
        if (!options.json && !options.quiet && !isFetch) process.stderr.write(`${line}\n`);
      },
    });
    const { signal } = interrupts;
    const { works, reason } = await probeDevice('tensorflow', places, { signal });
    output.event({ type: 'done', out: folder, works, reason });
    output.text(
      `TensorFlow is installed in ${folder}.`,
      works ? 'Device tensorflow works.' : `Device tensorflow does not work yet: ${reason}.`,
    );
  } finally {
    interrupts.dispose();
  }
}

/** Asks on a terminal. */
async function confirm(): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UserError('Nobody can be asked here whether to install that; give --yes.');
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question('Install it? [y/N] ');
    if (!/^y(es)?$/i.test(answer.trim())) throw new StoppedError('not wanted');
  } finally {
    prompt.close();
  }
}
