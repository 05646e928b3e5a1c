import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { StoppedError } from '../core/base/errors';
import { writeFolderAtomic } from '../core/base/files';
import { writeEach, writeGif, writeGrid } from '../core/base/picture';
import { parseWith } from '../core/base/schema';
import { DEVICES } from '../core/config/training-config';
import { PRECISIONS } from '../core/runtime/runtime';
import { DenoiserCache } from '../core/sample/denoiser-cache';
import { openRuntime } from '../core/runtime/open';
import { describeSampling } from '../core/sample/describe-sampling';
import {
  openModel,
  sampleImages,
  settingsFor,
  type FrameEvent,
  type SampledEvent,
  type SampledModel,
} from '../core/sample/sampling-job';
import { checkUse } from '../core/sample/solver-settings';
import { Animation } from './animation';
import { duration, fields, plural, shortPath } from './format';
import { catchInterrupts } from './interrupts';
import {
  numberOrText,
  optionName,
  wholeOrText,
  withCommonOptions,
  type CommonOptions,
} from './options';
import { Output } from './output';
import { freeName, prepareFolder, prepareGif, preparePng } from '../core/base/output-files';
import { addClassOptions, ClassSettings, classWishes, type ClassWishes } from './sample-classes';
import { addSolverOptions, TypedSolver } from './sample-solver';
import { openSampleView, type SampleView } from './sample-view';
import { commandLine, surroundings, VERSION } from './surroundings';
import { openTerminal } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab sample runs/digits-2026-11-23-1
  diffusion-lab sample runs/digits-2026-11-23-1 --count 64 --out digits.png
  diffusion-lab sample runs/digits-2026-11-23-1 --solver dpmsolver++ --steps 15
  diffusion-lab sample ./ddpm-cat-256 --count 4 --steps 100 --gif cats.gif

Image i depends on the seed and i alone, not on --count. The PNG holds the
settings that made it (diffusion-lab info shows them). A PNG or folder that is
there is replaced only if it is a picture, or a folder of pictures, that this
program wrote, and a GIF never; without --out, the name is a free one.
`;

const COUNT = 16;

const Settings = z.object({
  count: z.int().min(1).max(4096).optional(),
  ...ClassSettings,
  ...TypedSolver,
  seed: z.int().min(0).default(0),
  device: z.enum(DEVICES).default('auto'),
  precision: z.enum(PRECISIONS).default('float32'),
  threads: z.int().min(1).max(1024).optional(),
});
type Settings = z.infer<typeof Settings>;
/** Settings as they are meant for one model. */
type ModelSettings = Omit<Settings, 'count' | 'guidance'> & ClassWishes;

interface SampleOptions extends CommonOptions {
  readonly out?: string;
  readonly each?: string;
  readonly frames?: string;
  readonly gif?: string;
}

export function sampleCommand(program: Command): void {
  const command = program
    .command('sample')
    .description('Draw images with a trained model.')
    .argument('<model>', 'a run (its latest checkpoint), a checkpoint, or a diffusers folder')
    .optionsGroup('Sampling:')
    .option('--count <n>', `images to draw (default ${COUNT})`, numberOrText)
    .option('--seed <n>', 'seed of the noise (default 0)', wholeOrText);
  addSolverOptions(command.optionsGroup('Solver:'));
  addClassOptions(command);
  command
    .optionsGroup('Device:')
    .option('--device <name>', DEVICES.join(', '))
    .option('--precision <name>', `${PRECISIONS.join(' or ')}, on webgpu (default float32)`)
    .option('--threads <n>', 'CPU threads', numberOrText)
    .optionsGroup('Results:')
    .option('--out <file.png>', 'the grid of all images (default: a new samples.png here)')
    .option('--each <folder>', 'each image as a PNG of its own: 0000.png, 0001.png, …')
    .option('--frames <folder>', 'the grid after each step: 0001.png, … (first 64 images)')
    .option('--gif <file.gif>', 'the steps as an animation, a new file (first 64 images)');
  withCommonOptions(command, { quiet: true }).addHelpText('after', EXAMPLES).action(runSample);
}

async function runSample(target: string, options: SampleOptions): Promise<void> {
  const typed = parseWith(Settings, options, optionName);
  if (typed.solver) checkUse(typed.solver, typed);
  const closed = new AbortController();
  const output = new Output(Boolean(options.json), () => closed.abort());
  const view = openSampleView(openTerminal(process.stderr), {
    quiet: Boolean(options.quiet),
    live: !(output.json && process.stdout.isTTY),
  });
  const interrupts = catchInterrupts(() => view.stopping());
  const signal = AbortSignal.any([interrupts.signal, closed.signal]);
  try {
    const model = await openModel(target);
    const settings = { ...typed, ...classWishes(model, typed, COUNT) };
    settingsFor(model, settings);
    const places = { ...options, out: options.out ?? (await freeName('samples', 'png')) };
    await checkPlaces(places);
    for (const message of model.pipeline.warnings) {
      view.warn(message);
      output.event({ type: 'warning', message });
    }
    const drawing = { model, settings, places, view, output, signal };
    const { seconds } = await drawAndWrite(drawing);
    view.end();
    await conclude(target, drawing, seconds);
  } catch (error) {
    view.end();
    if (!signal.aborted) throw error;
    process.stderr.write('Stopped; no picture was written.\n');
    if (interrupts.signal.aborted) throw new StoppedError('stopped');
  } finally {
    interrupts.dispose();
  }
}

/** Where the results go. */
interface Places {
  readonly out: string;
  readonly each?: string;
  readonly frames?: string;
  readonly gif?: string;
}

async function checkPlaces({ out, each, frames, gif }: Places): Promise<void> {
  await preparePng('--out', out);
  if (gif !== undefined) await prepareGif('--gif', gif);
  if (each !== undefined) await prepareFolder('--each', each);
  if (frames !== undefined) await prepareFolder('--frames', frames);
}

interface Drawing {
  readonly model: SampledModel;
  readonly settings: ModelSettings;
  readonly places: Places;
  readonly view: SampleView;
  readonly output: Output;
  readonly signal: AbortSignal;
}

async function drawAndWrite(drawing: Drawing): Promise<SampledEvent> {
  const { out, each, frames, gif } = drawing.places;
  const settings = describeSampling(drawing.model, drawing.settings, VERSION);
  const { columns } = drawing.settings;
  const animation = new Animation();
  let done: SampledEvent | null = null;
  if (frames === undefined) {
    done = await draw(drawing, async (frame) => animation.add(frame));
  } else {
    const fill = async (folder: string) => {
      done = await draw(drawing, async (frame) => {
        animation.add(frame);
        await writeGrid(path.join(folder, frameName(frame.step)), frame.xt, { settings, columns });
      });
    };
    await writeFolderAtomic(frames, fill, { doing: 'write --frames', replace: true });
  }
  const { images } = done!;
  if (gif !== undefined) await writeGif(gif, animation.frames(), { columns });
  if (each !== undefined) {
    const fill = async (folder: string) => void (await writeEach(folder, images, { settings }));
    await writeFolderAtomic(each, fill, { doing: 'write --each', replace: true });
  }
  await writeGrid(out, images, { settings, columns });
  return done!;
}

function frameName(step: number): string {
  return `${String(step).padStart(4, '0')}.png`;
}

/** Samples to the end; `keep` gets the frames of the images that are drawn first. */
async function draw(
  drawing: Drawing,
  keep: (frame: FrameEvent) => Promise<void>,
): Promise<SampledEvent> {
  const { model, settings, view, output, signal } = drawing;
  const around = surroundings();
  const { runtime, choice } = await openRuntime({
    device: settings.device,
    threads: settings.threads ?? around.defaultThreads,
    probeFile: around.probeFile,
    cacheFolder: around.cacheFolder,
  });
  view.start(model, settingsFor(model, settings), settings.count, runtime.description, choice.why);
  output.event({ type: 'started', device: runtime.description, deviceReason: choice.why });
  const cache = new DenoiserCache(runtime, 1, settings.precision);
  try {
    for await (const event of sampleImages(cache, model, settings, signal)) {
      if (event.type === 'done') return event;
      const { first, step, steps, t, progress } = event;
      output.event({ type: 'frame', step, steps, t, first, progress });
      view.frame(event);
      if (first === 0) await keep(event);
    }
  } finally {
    await cache.dispose();
  }
  throw new Error('sampling ended without images');
}

async function conclude(target: string, drawing: Drawing, seconds: number): Promise<void> {
  const { model, settings, places, output } = drawing;
  const { count, seed } = settings;
  const { out, each, frames, gif } = places;
  const full = (file?: string) => (file === undefined ? undefined : path.resolve(file));
  output.event({
    type: 'done',
    out: full(out),
    seconds,
    each: full(each),
    frames: full(frames),
    gif: full(gif),
    model: path.resolve(model.pipeline.path),
    count,
    ...settingsFor(model, settings),
  });
  const { style } = openTerminal(process.stdout);
  const written = Object.entries({ grid: out, each, frames, gif }).flatMap(([name, file]) =>
    file === undefined ? [] : [[name, shortPath(file)] as const],
  );
  const again = ['sample', shortPath(target)];
  output.text(
    `${style.bold('Done')}: ${plural(count, 'image')} in ${duration(seconds)}`,
    ...fields(written),
    'Next:',
    `  ${commandLine(...again, '--count', String(count), '--seed', String(seed + 1))}`,
    ...(gif ? [] : [`  ${commandLine(...again, '--gif', await freeName('samples', 'gif'))}`]),
  );
}
