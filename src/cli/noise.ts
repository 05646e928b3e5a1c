import path from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { UserError } from '../core/base/errors';
import { writeStrip, type ImageBatch } from '../core/base/picture';
import { parseWith } from '../core/base/schema';
import { terminalPicture } from '../core/base/terminal-picture';
import { SCHEDULE_KINDS } from '../core/config/training-config';
import { LARGEST_SIDE, readImageFile } from '../core/data/image-file';
import { DEFAULT_SCHEDULE, makeSchedule, type NoiseSchedule } from '../core/diffusion/schedule';
import { noisedStages, stageAt, type NoiseStage } from '../core/diffusion/stages';
import { terminalCheck, type TerminalCheck } from '../core/diffusion/terminal-check';
import { fields, shortPath } from './format';
import {
  numberList,
  numberOrText,
  wholeOrText,
  optionName,
  withCommonOptions,
  type CommonOptions,
} from './options';
import { Output } from './output';
import { freeName, preparePng } from '../core/base/output-files';
import { openTerminal } from './terminal';

const EXAMPLES = `
Examples:
  diffusion-lab noise photo.jpg
  diffusion-lab noise photo.jpg --schedule cosine --at 0,500,999 --out strip.png
  diffusion-lab noise digit.png --timesteps 100     many a tutorial’s trap

x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε, with one ε for all t. The image is cropped
to its middle square.
`;

const { kind, timesteps, betaStart, betaEnd } = DEFAULT_SCHEDULE;
/** Stages that are shown unless --at says which. */
const STAGES = 8;

const Settings = z.object({
  size: z.int().min(1).max(1024).optional(),
  timesteps: z.int().min(2).max(100_000).default(timesteps),
  schedule: z.enum(SCHEDULE_KINDS).default(kind),
  betaStart: z.number().gt(0).lt(1).default(betaStart),
  betaEnd: z.number().gt(0).lt(1).default(betaEnd),
  zeroTerminalSnr: z.boolean().default(false),
  at: z.array(z.int().min(0)).min(1).max(256).optional(),
  seed: z.int().min(0).default(0),
});
type Settings = z.infer<typeof Settings>;

interface NoiseOptions extends CommonOptions {
  readonly out?: string;
}

export function noiseCommand(program: Command): void {
  const command = program
    .command('noise')
    .description('Show what the forward process makes of an image.')
    .argument('<image>', 'a PNG, JPEG, WebP, AVIF, TIFF or GIF file')
    .optionsGroup('Schedule:')
    .option('--schedule <name>', `${SCHEDULE_KINDS.join(', ')} (default ${kind})`)
    .option('--timesteps <n>', `timesteps T (default ${timesteps})`, numberOrText)
    .option('--beta-start <x>', `variance of the first (default ${betaStart})`, numberOrText)
    .option('--beta-end <x>', `variance of the last (default ${betaEnd})`, numberOrText)
    .option('--zero-terminal-snr', 'rescale so that nothing of the image is left at the last')
    .optionsGroup('Picture:')
    .option('--at <t,t,…>', `timesteps, 0 … T−1 (default: ${STAGES}, evenly spaced)`, numberList)
    .option(
      '--size <n>',
      `side in pixels (default: the image’s, at most ${LARGEST_SIDE})`,
      numberOrText,
    )
    .option('--seed <n>', 'seed of the noise (default 0)', wholeOrText)
    .option('--out <file.png>', 'the stages in a row (default: a new noise.png here)');
  withCommonOptions(command, { quiet: true }).addHelpText('after', EXAMPLES).action(runNoise);
}

async function runNoise(file: string, options: NoiseOptions): Promise<void> {
  const settings = parseWith(Settings, options, optionName);
  const schedule = scheduleOf(settings);
  const at = settings.at ?? evenly(schedule.timesteps);
  checkTimesteps(at, schedule.timesteps);
  const image = await readImageFile(file, { size: settings.size });
  const out = options.out ?? (await freeName('noise', 'png'));
  await preparePng('--out', out);
  const strip = noisedStages(image, schedule, at, settings.seed);
  const about = { image: path.basename(file), ...settings, size: image.shape[2], at };
  await writeStrip(out, strip, { settings: about });
  const output = new Output(Boolean(options.json));
  const stages = at.map((t) => stageAt(schedule, t));
  for (const stage of stages) {
    const inDb = Number.isFinite(stage.snrDb) ? stage.snrDb : null;
    output.event({ type: 'noise', ...stage, snrDb: inDb });
  }
  const verdict = terminalCheck(schedule);
  output.event({ type: 'terminal', ...verdict });
  output.event({ type: 'done', out: path.resolve(out) });
  if (!options.quiet && !output.json) showStrip(strip);
  output.text(...table(stages), ...sentences(verdict), ...fields([['strip', shortPath(out)]]));
}

function scheduleOf(settings: Settings): NoiseSchedule {
  const { schedule, betaStart: from, betaEnd: to } = settings;
  if (schedule !== 'cosine' && from > to) {
    throw new UserError(
      `--beta-start is ${from}, more than the ${to} of --beta-end; noise has to grow.`,
    );
  }
  return makeSchedule({ ...settings, kind: schedule });
}

function evenly(total: number): number[] {
  const stages = Math.min(STAGES, total);
  return Array.from({ length: stages }, (_, i) => Math.round((i * (total - 1)) / (stages - 1)));
}

function checkTimesteps(at: readonly number[], total: number): void {
  const beyond = at.find((t) => t >= total);
  if (beyond === undefined) return;
  throw new UserError(
    `--at has ${beyond}; with ${total} timesteps give numbers from 0 to ${total - 1}.`,
  );
}

function table(stages: readonly NoiseStage[]): string[] {
  const { style } = openTerminal(process.stdout);
  const rows = stages.map(({ t, sqrtAlphaBar, sqrtOneMinusAlphaBar, snrDb: inDb }) => [
    String(t),
    sqrtAlphaBar.toFixed(4),
    sqrtOneMinusAlphaBar.toFixed(4),
    Number.isFinite(inDb) ? inDb.toFixed(1) : '−∞',
  ]);
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padStart(i === 0 ? 5 : 10)).join('')}`;
  return [style.bold(line(['t', '√ᾱ', '√(1−ᾱ)', 'SNR (dB)'])), ...rows.map(line)];
}

function sentences({ amplitude, verdict, problem, mend }: TerminalCheck): string[] {
  const { style } = openTerminal(process.stdout);
  if (verdict === 'fine') {
    const share = Number((100 * amplitude).toPrecision(2));
    return [
      `${style.green('Fine:')} x_T holds ${share} % of the image’s amplitude, near enough to noise.`,
    ];
  }
  const paint = verdict === 'severe' ? style.red : style.yellow;
  return [`${paint(verdict === 'severe' ? 'Severe:' : 'Noticeable:')} ${problem}`, `  ${mend}`];
}

function showStrip(strip: ImageBatch): void {
  const terminal = openTerminal(process.stderr);
  if (!terminal.live) return;
  const { columns } = terminal.size();
  const tileWidth = Math.max(8, Math.min(32, Math.floor((columns + 1) / strip.shape[0]) - 2));
  const rows = Math.ceil(strip.shape[0] / Math.floor((columns + 1) / (tileWidth + 2))) * 20;
  const options = { columns: columns - 1, rows, colour: terminal.colour, tileWidth };
  const lines = terminalPicture(strip.data, strip.shape, options);
  terminal.stream.write(lines.map((line) => `${line}\n`).join('') + '\n');
}
