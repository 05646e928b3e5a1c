import path from 'node:path';
import type { Command } from 'commander';
import { StoppedError } from '../core/base/errors';
import type { DoneEvent, TrainEvent } from '../core/train/events';
import { resume, train } from '../core/train/trainer';
import { duration, fields, figure, plural, shortPath } from './format';
import { catchInterrupts, type Interrupts } from './interrupts';
import { withCommonOptions } from './options';
import { Output } from './output';
import { prepareRun } from '../core/base/output-files';
import { commandLine, RUNS_FOLDER, surroundings } from './surroundings';
import { openTerminal } from './terminal';
import {
  addTrainOptions,
  changesFrom,
  configFrom,
  idleOptions,
  type TrainOptions,
} from './train-options';
import { openTrainView, type TrainView } from './train-view';

const EXAMPLES = `
Examples:
  diffusion-lab train --preset quick
  diffusion-lab train --dataset ./sprites --image-size 32 --steps 5000
  diffusion-lab train --dataset idx:./mnist --preset small --device webgpu
  diffusion-lab train --config settings.json --lr 1e-3 --json > steps.jsonl
  diffusion-lab train --resume runs/digits-2026-11-23-1 --steps 2400

Ctrl-C stops with a checkpoint, from which --resume goes on as if nothing had
happened; pressed again, it ends at once. A resumed run may change --steps,
--max-seconds, --lr, --warmup-steps, --device, --threads, --checkpoint-every,
--preview-every, --keep-last, --keep-best, --evaluate-every, --evaluate-count and
--patience. With --json, the lines are started, evaluationPlan, step, preview,
checkpoint, evaluation, warning and done.
`;

export function trainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('Train a model on images; writes a run of checkpoints, previews and metrics.');
  addTrainOptions(command);
  withCommonOptions(command, { quiet: true }).addHelpText('after', EXAMPLES).action(runTrain);
}

/** What a run was seen to do. */
interface Course {
  done: DoneEvent | null;
  started: boolean;
  checkpoint: string | null;
  preview: string | null;
  readonly losses: number[];
}

/** Losses whose mean is told at the end. */
const LAST = 50;

async function runTrain(options: TrainOptions): Promise<void> {
  const closed = new AbortController();
  const output = new Output(Boolean(options.json), () => closed.abort());
  const view = openTrainView(openTerminal(process.stderr), {
    quiet: Boolean(options.quiet),
    live: !(output.json && process.stdout.isTTY),
  });
  const interrupts = catchInterrupts(() => view.stopping());
  const course: Course = {
    done: null,
    started: false,
    checkpoint: null,
    preview: null,
    losses: [],
  };
  try {
    const signal = AbortSignal.any([interrupts.signal, closed.signal]);
    const events = await openEvents(options, view, output, signal);
    for await (const event of events) {
      follow(course, event);
      view.show(event);
      report(output, event);
    }
  } catch (error) {
    view.end();
    if (!interrupts.signal.aborted || course.started) throw error;
    process.stderr.write('Stopped before the first step; nothing was written.\n');
    throw new StoppedError('stopped');
  } finally {
    view.end();
    interrupts.dispose();
  }
  conclude(course, output, interrupts);
}

async function openEvents(
  options: TrainOptions,
  view: TrainView,
  output: Output,
  signal: AbortSignal,
): Promise<AsyncGenerator<TrainEvent>> {
  const around = surroundings();
  const { out } = options;
  if (options.resume !== undefined) {
    const changes = changesFrom(options);
    if (out !== undefined) await prepareRun('--out', out);
    return resume({ from: options.resume, changes, out, surroundings: around, signal });
  }
  const config = await configFrom(options);
  for (const message of idleOptions(options, config)) {
    view.show({ type: 'warning', message });
    output.event({ type: 'warning', message });
  }
  if (out !== undefined) await prepareRun('--out', out);
  return train({ config, out, runsFolder: RUNS_FOLDER, surroundings: around, signal });
}

function follow(course: Course, event: TrainEvent): void {
  if (event.type === 'started') course.started = true;
  if (event.type === 'checkpoint') course.checkpoint = event.path;
  if (event.type === 'preview') course.preview = event.path;
  if (event.type === 'done') course.done = event;
  if (event.type === 'step') {
    course.losses.push(event.loss);
    if (course.losses.length > LAST) course.losses.shift();
  }
}

/** The events as `--json` writes them: paths in full, pictures left on the disk. */
function report(output: Output, event: TrainEvent): void {
  switch (event.type) {
    case 'preparing':
    case 'metrics':
    case 'evaluating':
    case 'paused':
    case 'unpaused':
      return;
    case 'evaluation':
      return event.line ? output.event({ ...event.line }) : undefined;
    case 'started': {
      const { run, config, source, parameters, device, deviceReason, step, steps } = event;
      return output.event({
        type: 'started',
        run: path.resolve(run),
        step,
        steps,
        device,
        deviceReason,
        parameters,
        dataset: source.description,
        skipped: source.skipped,
        config,
      });
    }
    case 'preview':
      return output.event({ type: 'preview', step: event.step, path: path.resolve(event.path) });
    case 'checkpoint':
      return output.event({ ...event, path: path.resolve(event.path) });
    case 'done':
      return output.event({ ...event, run: path.resolve(event.run) });
    default:
      return output.event({ ...event });
  }
}

/** Says what lies where and what to try next. Throws StoppedError after an interruption. */
function conclude(course: Course, output: Output, interrupts: Interrupts): void {
  const { done, checkpoint, preview, losses } = course;
  if (!done) throw new Error('training ended without a word');
  const run = shortPath(done.run);
  const stopped = interrupts.signal.aborted && done.reason === 'stopped';
  const style = openTerminal(process.stdout).style;
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  const lines = [
    `${style.bold(stopped ? 'Stopped' : 'Done')}: ${plural(done.steps, 'step')} in ` +
      `${duration(done.seconds)}` +
      (losses.length > 0 ? `, loss ${figure(mean)} (mean of the last ${losses.length})` : ''),
    ...(done.reason === 'stalled'
      ? ['The loss had not fallen for as long as --patience says.']
      : []),
    ...fields([
      ['run', run],
      ...(checkpoint ? [['checkpoint', shortPath(checkpoint)] as const] : []),
      ...(preview ? [['preview', shortPath(preview)] as const] : []),
    ]),
  ];
  const more = done.reason === 'finished' ? ['--steps', String(done.steps * 2)] : [];
  const resumed = commandLine('train', '--resume', run, ...more);
  const sampled = commandLine('sample', run, '--count', '64');
  const next = checkpoint ? ['Next:', `  ${sampled}`, `  ${resumed}`] : [];
  output.text(...lines, ...next);
  if (!stopped) return;
  if (output.json) {
    const where = checkpoint ? `The checkpoint is ${shortPath(checkpoint)}; g` : 'G';
    process.stderr.write(`Stopped. ${where}o on with: ${resumed}\n`);
  }
  throw new StoppedError('stopped');
}
