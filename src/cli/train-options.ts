import { Option, type Command } from 'commander';
import { UserError } from '../core/base/errors';
import { readJson } from '../core/base/files';
import { PRESET_NAMES } from '../core/config/presets';
import { resolveConfig, type ConfigOverrides, type OverrideKey } from '../core/config/resolve';
import {
  DEVICES,
  PREDICTIONS,
  SCHEDULE_KINDS,
  type TrainingConfig,
} from '../core/config/training-config';
import { CHANGE_KEYS, parseChanges } from '../core/train/resume-changes';
import type { ResumeChanges } from '../core/train/run-state';
import { numberOrText, optionName, wholeOrText, type CommonOptions } from './options';

/** What the user gave, by the option's name in camel case. */
export interface TrainOptions extends CommonOptions, ConfigOverrides {
  readonly preset?: string;
  readonly config?: string;
  readonly out?: string;
  readonly resume?: string;
}

type Entry = readonly [key: OverrideKey, value: string | null, description: string];

/** Options that set a key of the configuration. A value in `<…>` that is a number is read as one. */
const SETTINGS: Readonly<Record<string, readonly Entry[]>> = {
  'Data:': [
    ['dataset', 'source', 'digits, a folder of images, or idx:<folder or images file>'],
    ['from', 'path', 'begin from the weights of a run, a checkpoint or a diffusers folder'],
    ['imageSize', 'n', 'side in pixels that images are brought to'],
    ['channels', 'n', '1: grey, 3: colour'],
    ['resize', 'mode', 'for images that are not square: cover, contain or stretch'],
    ['holdOut', 'x', 'share of the images that are only measured on, at most 0.5; 0.1'],
    ['classes', null, 'learn the class labels too (sub-folders, IDX labels, digits)'],
    ['horizontalFlip', null, 'mirror half of the images, at random'],
  ],
  'Model and noise:': [
    ['model', 'name', 'unet or tutorial-cnn'],
    ['selfCondition', null, 'give the U-Net its last estimate of the image beside the noisy one'],
    ['timesteps', 'n', 'timesteps T that the noise is added in'],
    ['schedule', 'name', SCHEDULE_KINDS.join(', ')],
    ['betaStart', 'x', 'variance of the noise at the first timestep (not for cosine)'],
    ['betaEnd', 'x', 'variance of the noise at the last timestep (not for cosine)'],
    ['zeroTerminalSnr', null, 'leave nothing of the image at the last timestep (for v and x0)'],
    ['prediction', 'what', `what the net predicts: ${PREDICTIONS.join(', ')}`],
  ],
  'Training:': [
    ['steps', 'n', 'optimiser steps'],
    ['maxSeconds', 'x', 'stop after this time, with a checkpoint'],
    ['batchSize', 'n', 'images a batch'],
    ['accumulate', 'n', 'batches whose gradients make one step'],
    ['lr', 'x', 'learning rate after the warm-up'],
    ['lrSchedule', 'name', 'how it goes on: cosine, constant or linear'],
    ['lrFinal', 'x', 'share of it that is left at the last step'],
    ['warmupSteps', 'n', 'steps in which the learning rate grows from 0'],
    ['classDropout', 'x', 'share of images whose class is withheld, for guidance'],
    ['weightDecay', 'x', 'weight decay of AdamW'],
    ['emaDecay', 'x', 'decay of the average of the weights that is sampled from; 0: none'],
    ['minSnrGamma', 'x', 'weight the loss by min(SNR, gamma); 5 is usual'],
    ['noiseOffset', 'x', 'noise that is alike over a channel, for dark and bright images; 0.1'],
    ['patience', 'n', 'end when the loss (held-out or smoothed) has not fallen for so many steps'],
    ['freeze', 'list', "parameters that keep their values, such as 'down_blocks.*,mid_block.*'"],
    ['seed', 'n', 'seed of everything random'],
  ],
  'Device:': [
    ['device', 'name', DEVICES.join(', ')],
    ['threads', 'n', 'CPU threads'],
  ],
  'Run:': [
    ['checkpointEvery', 'n', 'steps between checkpoints; 0: one at the end'],
    ['keepLast', 'n', 'keep only so many of the last checkpoints'],
    ['keepBest', 'n', 'and so many of the lowest loss'],
    ['heldOutEvery', 'n', 'steps between measurements of the held-out loss'],
    [
      'evaluateEvery',
      'n',
      'steps between evaluations of samples; 0: none; their cost is shown first',
    ],
    ['evaluateCount', 'n', 'samples of an evaluation, 100 … 10000'],
    ['previewEvery', 'n', 'steps between previews; 0: none'],
  ],
};

const KEYS = Object.values(SETTINGS).flatMap((entries) => entries.map(([key]) => key));

/** Adds all options of `train` that say what is trained. */
export function addTrainOptions(command: Command): void {
  command
    .optionsGroup('Start from:')
    .option('--preset <name>', `settings to start from: ${PRESET_NAMES.join(', ')}`)
    .option('--config <file>', 'a JSON file of settings, laid over the preset')
    .option('--resume <path>', 'go on with a run, or from a checkpoint in one');
  for (const [group, entries] of Object.entries(SETTINGS)) {
    for (const [key, value, description] of entries) {
      const flags = value === null ? optionName(key) : `${optionName(key)} <${value}>`;
      const option = new Option(flags, description).helpGroup(group);
      if (value === 'n') option.argParser(wholeOrText);
      if (value === 'x') option.argParser(numberOrText);
      if (value === 'list') option.argParser((text) => text.split(',').map((part) => part.trim()));
      command.addOption(option);
    }
  }
  command.addOption(new Option('--out <folder>', 'the run’s folder').helpGroup('Run:'));
}

function settingsIn(options: TrainOptions): ConfigOverrides {
  return Object.fromEntries(KEYS.map((key) => [key, options[key]]));
}

/**
 * The configuration of a new run.
 *
 * @throws UserError that names the option, or the file and its key
 */
export async function configFrom(options: TrainOptions): Promise<TrainingConfig> {
  const { preset, config: path } = options;
  checkBase(options);
  const file = path === undefined ? undefined : { path, json: await readJson(path) };
  return resolveConfig({ preset, file, overrides: settingsIn(options) });
}

/** What `--from` brings along, and so cannot be asked for beside it. */
const BROUGHT = [
  'model',
  'timesteps',
  'schedule',
  'betaStart',
  'betaEnd',
  'zeroTerminalSnr',
  'prediction',
] as const;

function checkBase(options: TrainOptions): void {
  const wrong = BROUGHT.find((key) => options.from !== undefined && options[key] !== undefined);
  if (wrong === undefined) return;
  throw new UserError(
    `${optionName(wrong)} cannot be given with --from, which brings its net and noise schedule; leave it out.`,
  );
}

/**
 * What is changed in a run that is gone on with.
 *
 * @throws UserError for an option that would make it another run
 */
export function changesFrom(options: TrainOptions): ResumeChanges {
  const given = Object.keys(options) as (keyof TrainOptions)[];
  const fixed = [...KEYS, 'preset', 'config'] as const;
  const wrong = fixed.find((key) => given.includes(key) && !isChange(key));
  if (wrong !== undefined) {
    const free = CHANGE_KEYS.map(optionName).join(', ');
    throw new UserError(
      `${optionName(wrong)} cannot change when a run is resumed (only ${free} can); leave it out, or start a new run.`,
    );
  }
  const changed = KEYS.filter(isChange).map((key) => [key, options[key]]);
  return parseChanges(Object.fromEntries(changed), optionName);
}

function isChange(key: string): boolean {
  return CHANGE_KEYS.some((change) => change === key);
}

/** Options that have no effect with the other settings, a sentence each. */
export function idleOptions(options: TrainOptions, config: TrainingConfig): string[] {
  const idle: string[] = [];
  const betas = (['betaStart', 'betaEnd'] as const).filter((key) => options[key] !== undefined);
  if (config.schedule.kind === 'cosine' && betas.length > 0) {
    const names = betas.map(optionName).join(' and ');
    idle.push(`The cosine schedule has no use for ${names}; add --schedule linear to use it.`);
  }
  if (options.classDropout !== undefined && !config.classes) {
    idle.push('--class-dropout says nothing to a run without classes; add --classes to use it.');
  }
  if (options.heldOutEvery !== undefined && config.holdOut === 0) {
    idle.push(
      '--held-out-every says nothing to a run that holds no images out; add --hold-out 0.1 to use it.',
    );
  }
  if (options.evaluateCount !== undefined && config.training.evaluateEvery === 0) {
    idle.push(
      '--evaluate-count says nothing to a run that evaluates nothing; add --evaluate-every 500 to use it.',
    );
  }
  if (options.lrFinal !== undefined && config.training.lrSchedule === 'constant') {
    idle.push(
      'A constant learning rate has no use for --lr-final; add --lr-schedule cosine to use it.',
    );
  }
  return idle;
}
