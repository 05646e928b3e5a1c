import type { PathDescription, PipelineSummary } from '../core/checkpoint/describe';
import type { SafetensorsSummary } from '../core/checkpoint/inspect';
import type { RunEntry } from '../core/checkpoint/run-directory';
import type { ClassList } from '../core/checkpoint/sidecar';
import type { ModelSettings, ScheduleConfig } from '../core/config/training-config';
import type { ImageSource } from '../core/data/source';
import { signatureOf } from '../core/nn/model';
import { count, duration, fields, figure, plural, shortPath } from './format';
import { aboutSafetensors } from './info-safetensors';
import { commandLine } from './surroundings';
import type { Style } from './terminal';
import { evaluatedText } from './train-evaluation-text';

/** What a path is: what the core knows, and data sets, folders of runs and our pictures. */
export type Description =
  | Exclude<PathDescription, { kind: 'unknown' }>
  | { readonly kind: 'runs'; readonly path: string; readonly runs: readonly RunEntry[] }
  | { readonly kind: 'dataset'; readonly source: ImageSource }
  | ({ readonly kind: 'safetensors' } & SafetensorsSummary)
  | { readonly kind: 'picture'; readonly path: string; readonly settings: unknown };

type Field = readonly [name: string, value: string];
type Of<K extends PathDescription['kind']> = Extract<PathDescription, { kind: K }>;

/** A description for people. */
export function describeInWords(description: Description, style: Style): string[] {
  switch (description.kind) {
    case 'run':
      return aboutRun(description, style);
    case 'checkpoint':
      return aboutCheckpoint(description, style);
    case 'diffusers':
      return [
        `${style.bold('diffusers folder')} ${shortPath(description.path)}`,
        ...fields(pipelineFields(description)),
        ...warnings(description.warnings, style),
        ...next('sample', shortPath(description.path)),
      ];
    case 'runs':
      return [
        `${style.bold('Folder of runs')} ${shortPath(description.path)}`,
        ...fields(
          description.runs.map(({ path, run, fault }) => [
            shortPath(path),
            run
              ? `${run.record.status}, step ${count(run.record.progress.step)}`
              : style.yellow(fault!),
          ]),
        ),
      ];
    case 'dataset':
      return aboutDataset(description, style);
    case 'safetensors':
      return aboutSafetensors(description, style);
    case 'picture':
      return [
        `${style.bold('Picture')} ${shortPath(description.path)}, made with`,
        ...settingsFields(description.settings),
      ];
    default:
      return description satisfies never;
  }
}

function settingsFields(settings: unknown): string[] {
  const entries = Object.entries(settings as Record<string, unknown>);
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return fields(entries.map(([name, value]) => [name, text(value)]));
}

function warnings(messages: readonly string[], style: Style): string[] {
  return messages.map((message) => `${style.yellow('warning:')} ${message}`);
}

function next(...words: string[]): string[] {
  return ['Next:', `  ${commandLine(...words)}`];
}

function scheduleText(schedule: ScheduleConfig): string {
  const { kind, timesteps, betaStart, betaEnd, zeroTerminalSnr, prediction } = schedule;
  const betas = kind === 'cosine' ? '' : `, β ${betaStart} … ${betaEnd}`;
  const terminal = zeroTerminalSnr ? ', zero terminal SNR' : '';
  return `${kind}, T = ${timesteps}${betas}${terminal}; predicts ${prediction}`;
}

function pipelineFields(summary: PipelineSummary): Field[] {
  const { model, schedule, tensors, parameters, classes } = summary;
  const { channels, height, width, selfCondition } = signatureOf(model);
  const levels =
    model.type === 'unet' ? model.config.block_out_channels : model.config.hidden_channels;
  const name = model.type === 'unet' ? 'U-Net (UNet2DModel)' : 'tutorial CNN';
  return [
    ['model', `${name}, channels ${levels.join('-')}`],
    ['weights', `${count(parameters)} parameters in ${plural(tensors, 'tensor')}`],
    ['images', `${width}×${height}, ${channels === 1 ? 'grey' : `${channels} channels`}`],
    ...(selfCondition
      ? [['self-condition', 'takes its last estimate of the image beside the noisy one'] as const]
      : []),
    ...(classes === null ? [] : [['classes', classText(classes)] as const]),
    ['schedule', scheduleText(schedule)],
  ];
}

/** Names that are listed before the rest is cut off. */
const TOLD_CLASSES = 12;

function namesText(names: readonly string[]): string {
  return names.slice(0, TOLD_CLASSES).join(', ') + (names.length > TOLD_CLASSES ? ', …' : '');
}

function classText({ names, nullClass }: ClassList): string {
  const guidance =
    nullClass === null ? 'no null class, so no guidance' : 'and a null class, for guidance';
  return `${count(names.length)}: ${namesText(names)} (${guidance})`;
}

function aboutCheckpoint(description: Of<'checkpoint'>, style: Style): string[] {
  const { state, path } = description;
  const loss = state.loss === null ? '' : `, loss ${figure(state.loss)}`;
  return [
    `${style.bold('Checkpoint')} ${shortPath(path)}`,
    ...fields([
      ['step', `${count(state.step)}, epoch ${figure(state.epoch)}${loss}`],
      ['trained', duration(state.seconds)],
      ...pipelineFields(description),
    ]),
    ...warnings(description.warnings, style),
    ...next('sample', shortPath(path)),
  ];
}

function aboutRun(description: Of<'run'>, style: Style): string[] {
  const { record, checkpoints, path, lastLoss, heldOutLoss, evaluation } = description;
  const { dataset, config, progress } = record;
  const losses = [
    ...(lastLoss === null ? [] : [`loss ${figure(lastLoss)}`]),
    ...(heldOutLoss === null ? [] : [`held out ${figure(heldOutLoss)}`]),
  ];
  const { steps, batchSize, lr } = config.training;
  const whole = checkpoints.filter(({ fault }) => fault === null);
  const latest = whole.at(-1);
  const all = dataset.images === null ? 'built in' : plural(dataset.images, 'image');
  const held = config.holdOut;
  const images = held > 0 ? `${all}, ${Number((100 * held).toPrecision(3))} % held out` : all;
  const colours = dataset.channels === 1 ? 'grey' : 'colour';
  const step = description.lastStep ?? progress.step;
  const finished = record.status === 'finished';
  return [
    `${style.bold('Run')} ${shortPath(path)}`,
    ...fields([
      ['status', record.status + (record.message ? `: ${record.message}` : '')],
      ['step', [`${count(step)} of ${count(steps)}`, ...losses].join(', ')],
      ...(evaluation ? [['evaluated', evaluatedText(evaluation)] as const] : []),
      ['trained', `${duration(progress.seconds)} on ${record.device}, begun ${record.createdAt}`],
      [
        'data set',
        `${shortSource(dataset.source)} (${images}), ${dataset.imageSize}×${dataset.imageSize} ${colours}`,
      ],
      ...(dataset.skipped > 0 ? [['left out', plural(dataset.skipped, 'file')] as const] : []),
      ['model', `${modelText(config.model)}, ${scheduleText(config.schedule)}`],
      ['training', `batch ${batchSize}, learning rate ${lr}, seed ${record.seed}`],
      [
        'checkpoints',
        latest ? `${whole.length}, the latest ${shortPath(latest.path)}` : 'none yet',
      ],
    ]),
    ...warnings(description.warnings, style),
    ...(latest ? next('sample', shortPath(path)) : []),
    ...(latest && !finished ? [`  ${commandLine('train', '--resume', shortPath(path))}`] : []),
  ];
}

function modelText(model: ModelSettings): string {
  return model.type === 'unet' && model.selfCondition ? 'self-conditioned unet' : model.type;
}

function shortSource(source: string): string {
  const [, prefix = '', place] = /^(idx:)?(.*)$/s.exec(source)!;
  return source === 'digits' ? source : prefix + shortPath(place!);
}

function aboutDataset(
  { source }: Extract<Description, { kind: 'dataset' }>,
  style: Style,
): string[] {
  const { imageSize, channels, classNames, skipped, spec } = source;
  return [
    `${style.bold('Data set')} ${source.description}`,
    ...fields([
      ['images', `${imageSize}×${imageSize}, ${channels === 1 ? 'grey' : 'colour'}`],
      ...(classNames ? [['classes', namesText(classNames)] as const] : []),
      ...(skipped.length > 0 ? [['left out', plural(skipped.length, 'file')] as const] : []),
      ...skipped.slice(0, 5).map(({ path, reason }) => ['', `${path}: ${reason}`] as const),
    ]),
    ...next('train', '--dataset', spec),
  ];
}
