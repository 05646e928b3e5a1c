import { z } from 'zod';
import { UserError } from '../base/errors';
import { hint, isRecord, parseWith, show } from '../base/schema';
import type { NameKey } from '../base/schema';
import { checkConfig } from './check';
import { checkFileKeys } from './file-keys';
import { PRESET_NAMES, PRESETS } from './presets';
import type { PresetName } from './presets';
import { TrainingConfig } from './training-config';

/** Options of the command line, each with the key of the configuration that it sets. */
const OVERRIDE_KEYS = {
  dataset: 'dataset',
  from: 'from',
  imageSize: 'imageSize',
  channels: 'channels',
  resize: 'resize',
  horizontalFlip: 'horizontalFlip',
  holdOut: 'holdOut',
  classes: 'classes',
  model: 'model.type',
  selfCondition: 'model.selfCondition',
  timesteps: 'schedule.timesteps',
  schedule: 'schedule.kind',
  betaStart: 'schedule.betaStart',
  betaEnd: 'schedule.betaEnd',
  zeroTerminalSnr: 'schedule.zeroTerminalSnr',
  prediction: 'schedule.prediction',
  steps: 'training.steps',
  maxSeconds: 'training.maxSeconds',
  batchSize: 'training.batchSize',
  accumulate: 'training.accumulate',
  lr: 'training.lr',
  lrSchedule: 'training.lrSchedule',
  lrFinal: 'training.lrFinal',
  warmupSteps: 'training.warmupSteps',
  weightDecay: 'training.weightDecay',
  noiseOffset: 'training.noiseOffset',
  keepLast: 'training.keepLast',
  keepBest: 'training.keepBest',
  patience: 'training.patience',
  heldOutEvery: 'training.heldOutEvery',
  evaluateEvery: 'training.evaluateEvery',
  evaluateCount: 'training.evaluateCount',
  classDropout: 'training.classDropout',
  emaDecay: 'training.emaDecay',
  freeze: 'training.freeze',
  minSnrGamma: 'training.minSnrGamma',
  seed: 'training.seed',
  checkpointEvery: 'training.checkpointEvery',
  previewEvery: 'training.previewEvery',
  device: 'device',
  threads: 'threads',
} as const;

export type OverrideKey = keyof typeof OVERRIDE_KEYS;

/** Whether a flat name is one of {@link ConfigOverrides}. */
export function isOverrideKey(key: string): key is OverrideKey {
  return Object.hasOwn(OVERRIDE_KEYS, key);
}

/**
 * Settings from the command line, in its flat names; a key that is undefined was not given. Values
 * are checked here, so what the user typed can be passed on (numbers as numbers).
 */
export type ConfigOverrides = { readonly [K in OverrideKey]?: unknown };

export interface ResolveOptions {
  /** One of {@link PRESET_NAMES}; checked here. Wins over a settings file's own `preset`. */
  readonly preset?: string;
  /** A settings file: its path, for messages, and its parsed JSON. */
  readonly file?: { readonly path: string; readonly json: unknown };
  readonly overrides?: ConfigOverrides;
}

interface Layer {
  readonly values: Record<string, unknown>;
  readonly name: NameKey;
}

/**
 * The full configuration: schema defaults ← preset ← settings file ← command line, merged key by
 * key (lists as a whole; a model of another type replaces the whole model). The presets' warm-up,
 * preview steps and distance of held-out measurements give way to a smaller `steps` or `timesteps` from a stronger layer.
 *
 * @throws UserError that names the option or the file's key, its value and what is allowed
 */
export function resolveConfig(options: ResolveOptions): TrainingConfig {
  const { preset: filePreset, ...fileValues } = readFileLayer(options.file);
  const preset = presetNamed(options.preset ?? filePreset, options);
  const layers: Layer[] = [
    { values: { model: { type: 'unet' } }, name: settingName },
    { values: preset === null ? {} : PRESETS[preset], name: (key) => `preset ${preset}: ${key}` },
    { values: fileValues, name: (key) => joined(options.file?.path ?? '', key) },
    { values: nested(options.overrides ?? {}), name: optionName },
  ];
  const merged = layers.map((layer) => layer.values).reduce(merge);
  if (preset === 'quick' && merged.dataset === undefined) merged.dataset = 'digits';
  if (merged.dataset === 'digits' && merged.channels === undefined) merged.channels = 1;
  if (merged.dataset === undefined) {
    throw new UserError(
      'No data set is given: use --dataset with digits, a folder of images or idx:<folder>.',
    );
  }
  const nameKey = nameFromLayers(layers);
  checkSelfCondition(merged.model, nameKey);
  const config = withFittingSteps(parseWith(TrainingConfig, merged, nameKey), layers);
  checkConfig(config, nameKey);
  return config;
}

/** A plain option, of which the other model knows nothing. */
function checkSelfCondition(model: unknown, name: NameKey): void {
  if (!isRecord(model) || model.type !== 'tutorial-cnn' || !('selfCondition' in model)) return;
  throw new UserError(
    `${name('model.selfCondition')} needs a U-Net, and ${name('model.type')} is tutorial-cnn; leave one of them out.`,
  );
}

/** The name of a setting in a message when no file holds it: its option, if it has one. */
export function settingName(key: string): string {
  return optionOf(key) ?? key;
}

function optionName(key: string): string {
  return optionOf(key) ?? `the command line: ${key}`;
}

function optionOf(key: string): string | undefined {
  const found = Object.entries(OVERRIDE_KEYS).find(([, path]) => path === key);
  return found && `--${found[0].replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function joined(file: string, key: string): string {
  return key === '' ? file : `${file}: ${key}`;
}

function readFileLayer(file: ResolveOptions['file']): Record<string, unknown> {
  if (file === undefined) return {};
  if (!isRecord(file.json)) {
    throw new UserError(`${file.path} must hold a JSON object, not ${show(file.json)}.`);
  }
  checkFileKeys(file.path, file.json);
  return Object.fromEntries(Object.entries(file.json).filter(([key]) => key !== '$schema'));
}

function presetNamed(given: unknown, options: ResolveOptions): PresetName | null {
  if (given === undefined) return null;
  const found = PRESET_NAMES.find((name) => name === given);
  if (found !== undefined) return found;
  const where = options.preset === undefined ? `${options.file?.path}: preset` : '--preset';
  const help = hint(String(given), PRESET_NAMES).replace('known here', 'there are');
  throw new UserError(`${where} is ${show(given)}, which is not a preset; ${help}`);
}

/** The flat options as a nested object. */
function nested(overrides: ConfigOverrides): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const key = OVERRIDE_KEYS[option as OverrideKey] as string | undefined;
    if (key === undefined) throw new RangeError(`${option} is not an option of the configuration.`);
    const [section, inner] = key.split('.') as [string, string?];
    root[section] =
      inner === undefined ? value : merge(asRecord(root[section]), { [inner]: value });
  }
  return root;
}

function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

/** `weak` with the keys of `strong` laid over it. */
function merge(
  weak: Record<string, unknown>,
  strong: Record<string, unknown>,
): Record<string, unknown> {
  const entries = Object.entries(strong).map(([key, value]): [string, unknown] => {
    const under = Object.hasOwn(weak, key) ? weak[key] : undefined;
    if (!isRecord(value) || !isRecord(under)) return [key, value];
    const isOtherModel = key === 'model' && 'type' in value && value.type !== under.type;
    return [key, isOtherModel ? value : merge(under, value)];
  });
  return Object.fromEntries([...Object.entries(weak), ...entries]);
}

/** The index of the strongest layer that holds a key, 0 where none does. */
function layerOf(layers: readonly Layer[], dottedKey: string): number {
  const path = dottedKey.split('.').map((part) => part.replace(/\[\d+\]$/, ''));
  const holds = (values: unknown) => {
    let at = values;
    for (const part of path) {
      if (!isRecord(at) || !Object.hasOwn(at, part)) return false;
      at = at[part];
    }
    return true;
  };
  const strongest = [...layers].reverse().findIndex(({ values }) => holds(values));
  return strongest < 0 ? 0 : layers.length - 1 - strongest;
}

function nameFromLayers(layers: readonly Layer[]): NameKey {
  return (key) => layers[layerOf(layers, key)]!.name(key);
}

function withFittingSteps(config: TrainingConfig, layers: readonly Layer[]): TrainingConfig {
  const isWeaker = (a: string, b: string) => layerOf(layers, a) < layerOf(layers, b);
  const training = { ...config.training };
  if (
    isWeaker('training.warmupSteps', 'training.steps') &&
    training.warmupSteps * 2 > training.steps
  ) {
    training.warmupSteps = Math.floor(training.steps / 10);
  }
  if (isWeaker('training.heldOutEvery', 'training.steps')) {
    const tenth = Math.max(1, Math.floor(training.steps / 10));
    training.heldOutEvery = Math.min(training.heldOutEvery, tenth);
  }
  if (isWeaker('training.previewSteps', 'schedule.timesteps')) {
    training.previewSteps = Math.min(training.previewSteps, config.schedule.timesteps);
  }
  return { ...config, training };
}

/** JSON schema (draft 2020-12) of a settings file, for editors: every key with its description. */
export function trainingConfigJsonSchema(): Record<string, unknown> {
  const File = TrainingConfig.partial().extend({
    $schema: z.string().optional().describe('Where this file’s own schema is.'),
    preset: z.enum(PRESET_NAMES).optional().describe('Named settings that this file starts from.'),
  });
  return z.toJSONSchema(File, { io: 'input' });
}
