import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { StoppedError } from '../core/base/errors';
import { writeFileAtomic } from '../core/base/files';
import { prepareNewFile } from '../core/base/output-files';
import { parseWith } from '../core/base/schema';
import { DEVICES } from '../core/config/training-config';
import { evaluate } from '../core/evaluate/evaluate';
import { openRuntime } from '../core/runtime/open';
import { checkUse } from '../core/sample/solver-settings';
import { EvaluateView } from './evaluate-view';
import { evaluationText } from './evaluate-text';
import { catchInterrupts } from './interrupts';
import {
  numberOrText,
  optionName,
  withCommonOptions,
  wholeOrText,
  type CommonOptions,
} from './options';
import { Output } from './output';
import { addSolverOptions, TypedSolver } from './sample-solver';
import { surroundings } from './surroundings';
import { openTerminal } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab evaluate runs/digits-2026-11-23-1
  diffusion-lab evaluate runs/digits-2026-11-23-1 --count 5000 --out quality.json
  diffusion-lab evaluate runs/digits-2026-11-23-1 --solver dpmsolver++ --steps 15
  diffusion-lab evaluate ./ddpm --dataset ./sprites

Samples are compared with the data set in the features of a small classifier, which
is trained on the data set first and kept for the next time; without classes, in those
of an untrained network. Figures depend on the number of images and on the data set: compare
only what was measured alike. Held-out images stand beside them, as what a perfect model would
reach.
`;

const COUNT = 1000;

const Settings = z.object({
  count: z.int().min(100).max(50_000).default(COUNT),
  ...TypedSolver,
  seed: z.int().min(0).default(0),
  guidance: z.number().optional(),
  device: z.enum(DEVICES).default('auto'),
  threads: z.int().min(1).max(1024).optional(),
});

interface EvaluateOptions extends CommonOptions {
  readonly dataset?: string;
  readonly out?: string;
}

export function evaluateCommand(program: Command): void {
  const command = program
    .command('evaluate')
    .description('Measure how good a model is: likeness, copies, loss.')
    .argument('<model>', 'a run (its latest checkpoint), a checkpoint, or a diffusers folder')
    .option('--dataset <what>', 'what to compare with (default: what the run was trained on)')
    .optionsGroup('Sampling:')
    .option('--count <n>', `images to draw, 100 … 50000 (default ${COUNT})`, numberOrText)
    .option('--seed <n>', 'seed of the noise (default 0)', wholeOrText)
    .option('--guidance <x>', 'towards the classes, as sample has it (default 2)', numberOrText);
  addSolverOptions(command.optionsGroup('Solver:'));
  command
    .optionsGroup('Device:')
    .option('--device <name>', DEVICES.join(', '))
    .option('--threads <n>', 'CPU threads', numberOrText)
    .optionsGroup('Results:')
    .option('--out <file.json>', 'all figures, in a new file');
  withCommonOptions(command, { quiet: true }).addHelpText('after', EXAMPLES).action(runEvaluate);
}

async function runEvaluate(target: string, options: EvaluateOptions): Promise<void> {
  const { device, threads, ...wishes } = parseWith(Settings, options, optionName);
  if (wishes.solver) checkUse(wishes.solver, wishes);
  if (options.out !== undefined) await prepareNewFile('--out', options.out, '.json');
  const closed = new AbortController();
  const output = new Output(Boolean(options.json), () => closed.abort());
  const view = new EvaluateView(openTerminal(process.stderr), Boolean(options.quiet));
  const interrupts = catchInterrupts(() => view.stopping());
  const signal = AbortSignal.any([interrupts.signal, closed.signal]);
  const around = surroundings();
  try {
    const { runtime } = await openRuntime({
      device,
      threads: threads ?? around.defaultThreads,
      probeFile: around.probeFile,
      cacheFolder: around.cacheFolder,
    });
    const found = await evaluate({
      target,
      runtime,
      wishes,
      dataset: options.dataset,
      cacheFolder: around.cacheFolder,
      onProgress: (progress) => {
        view.progress(progress);
        output.event({ type: 'progress', ...progress });
      },
      signal,
    });
    view.end();
    const { out } = options;
    if (out !== undefined) await writeFileAtomic(out, `${JSON.stringify(found, null, 2)}\n`);
    const written = out === undefined ? {} : { out: path.resolve(out) };
    output.event({ type: 'done', ...found, ...written });
    const { style } = openTerminal(process.stdout);
    output.text(...evaluationText(found, style.bold));
  } catch (error) {
    view.end();
    if (!signal.aborted) throw error;
    process.stderr.write('Stopped; nothing was written.\n');
    if (interrupts.signal.aborted) throw new StoppedError('stopped');
  } finally {
    interrupts.dispose();
  }
}
