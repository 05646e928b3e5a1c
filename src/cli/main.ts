#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { compareCommand } from './compare';
import { devicesCommand } from './devices';
import { exitCodeOf, messageFor, usageMessage } from './errors';
import { evaluateCommand } from './evaluate';
import { exportCommand } from './export';
import { infoCommand } from './info';
import { installTensorflowCommand } from './install-tensorflow';
import { noiseCommand } from './noise';
import { ignoreClosedPipes } from './output';
import { sampleCommand } from './sample';
import { VERSION } from './surroundings';
import { openTerminal } from './terminal';
import { trainCommand } from './train';

const EXAMPLES = `
Examples:
  diffusion-lab train --preset quick      learn the built-in digits in some minutes
  diffusion-lab train --dataset ./sprites --steps 5000
  diffusion-lab sample runs/digits-2026-11-23-1 --count 64 --out digits.png
  diffusion-lab noise photo.jpg           what the forward process does to it
  diffusion-lab info runs/digits-2026-11-23-1

Exit codes: 0 done, 2 wrong usage or input, 1 a fault of the program,
130 stopped by Ctrl-C.
`;

function buildProgram(): Command {
  const program = new Command('diffusion-lab')
    .description('Train image diffusion models and sample from them, on any GPU or none.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({
      styleTitle: (text) => openTerminal(process.stdout).style.bold(text),
      styleCommandText: (text) => openTerminal(process.stdout).style.cyan(text),
      styleOptionText: (text) => openTerminal(process.stdout).style.cyan(text),
    })
    .addHelpText('after', EXAMPLES);
  trainCommand(program);
  sampleCommand(program);
  noiseCommand(program);
  infoCommand(program);
  devicesCommand(program);
  installTensorflowCommand(program);
  exportCommand(program);
  compareCommand(program);
  evaluateCommand(program);
  return program;
}

/** Runs the command line; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  const fail = (message: string) => {
    const { style } = openTerminal(process.stderr);
    process.stderr.write(`${style.red('error:')} ${message}\n`);
  };
  try {
    if (args.length === 0) {
      program.outputHelp();
      fail('no command is given; choose one of those above, such as train --preset quick');
      return 2;
    }
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      fail(usageMessage(error, program, args));
      return 2;
    }
    const message = messageFor(error);
    if (message !== null) fail(message);
    const wantsStack = args.includes('--verbose') || Boolean(process.env.DEBUG);
    if (exitCodeOf(error) === 1 && wantsStack && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    return exitCodeOf(error);
  }
}

/** Ends once all that was written has left; what libraries still hold open does not keep us. */
function exit(code: number): void {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

ignoreClosedPipes();
void main(process.argv.slice(2)).then(exit);
