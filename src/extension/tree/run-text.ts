import type {
  CheckpointSummary,
  ClassesBrief,
  RunSummary,
  TrainingStatus,
} from '../../engine/protocol';
import { formatBytes, formatCount, formatDuration, formatLoss, plain } from '../format';
import { isLive, isLiveState, type LiveState } from '../live-training';

/** How a run is shown: its own record, or what the engine says while it trains it. */
export type RunState = RunSummary['status'] | LiveState;

/** What the engine's training says of a run, if it is this run's; else null. */
export function liveStatusOf(run: RunSummary, training: TrainingStatus | null) {
  return isLive(training) && training.run === run.path ? training : null;
}

export function stateOf(run: RunSummary, training: TrainingStatus | null): RunState {
  return liveStatusOf(run, training)?.state ?? run.status;
}

/** Symbol and colour of each state. */
export const RUN_ICONS: Readonly<Record<RunState, readonly [icon: string, colour?: string]>> = {
  preparing: ['loading~spin'],
  running: ['pulse', 'charts.green'],
  paused: ['debug-pause', 'charts.yellow'],
  stopping: ['loading~spin'],
  finished: ['pass', 'testing.iconPassed'],
  stopped: ['circle-slash'],
  failed: ['error', 'list.errorForeground'],
  interrupted: ['debug-disconnect', 'list.warningForeground'],
  broken: ['warning', 'list.warningForeground'],
};

/** "1,200/2,000 · loss 0.0423 · running" */
export function runDescription(run: RunSummary, training: TrainingStatus | null): string {
  const state = stateOf(run, training);
  if (state === 'broken') return 'cannot be read';
  const { step, steps, loss } = liveStatusOf(run, training) ?? run;
  const done =
    state === 'finished'
      ? `${formatCount(step)} steps`
      : `${formatCount(step)}/${formatCount(steps)}`;
  return [
    done,
    ...(loss === null ? [] : [`loss ${formatLoss(loss)}`]),
    stateText(run, state),
    ...(run.classes === null ? [] : [classCount(run.classes)]),
  ].join(' · ');
}

function classCount({ count }: Pick<ClassesBrief, 'count'>): string {
  return `${formatCount(count)} ${count === 1 ? 'class' : 'classes'}`;
}

/** Characters of names after which the rest of the classes is not told. */
const MOST_NAMES_TEXT = 48;
const MOST_NAMES = 5;

/** "10 classes (0, 1, 2, 3, 4, …)": as many names as stay readable, of which there may be thousands. */
export function classesText({ count, first }: ClassesBrief): string {
  const told: string[] = [];
  for (const name of first.slice(0, MOST_NAMES)) {
    const isLong = [...told, name].join(', ').length > MOST_NAMES_TEXT;
    if (isLong && told.length > 0) break;
    told.push(isLong ? `${[...name].slice(0, MOST_NAMES_TEXT).join('')}…` : name);
  }
  const rest = told.length < count ? ', …' : '';
  return `${classCount({ count })} (${told.join(', ')}${rest})`;
}

/** What a screen reader says of a run: its line, and what the tooltip says of its classes. */
export function runLabel(run: RunSummary, training: TrainingStatus | null): string {
  const line = runDescription({ ...run, classes: null }, training).replace(/ · /g, ', ');
  return [`Run ${run.name}`, line, ...conditionedOn(run)].join(', ');
}

/** What a screen reader says of a checkpoint. */
export function checkpointLabel(checkpoint: CheckpointSummary, run: RunSummary): string {
  const line = checkpointDescription(checkpoint).replace(/ · /g, ', ');
  const title = `Checkpoint Step ${formatCount(checkpoint.step)} of ${run.name}`;
  return [title, ...(line === '' ? [] : [line]), ...conditionedOn(run)].join(', ');
}

function conditionedOn({ classes }: RunSummary): string[] {
  return classes === null ? [] : [`class-conditional: ${classesText(classes)}`];
}

function stateText(run: RunSummary, state: RunState): string {
  return state === 'running' && !run.isOurs ? 'running elsewhere' : state;
}

/** Words that `when` clauses look for in a run's context value. */
export function runContext(run: RunSummary, training: TrainingStatus | null): string {
  const state = stateOf(run, training);
  const words = ['run', state];
  const isUnderWay = isLiveState(state);
  if (isUnderWay) words.push('live', liveStatusOf(run, training) ? 'ours' : 'foreign');
  else words.push('idle');
  if (!isUnderWay && state !== 'broken' && run.step < run.steps) words.push('resumable');
  if (run.checkpoints.some(({ fault }) => fault === null)) words.push('sampleable');
  return words.join(' ');
}

export function checkpointContext(checkpoint: CheckpointSummary): string {
  return checkpoint.fault === null ? 'checkpoint whole' : 'checkpoint faulty';
}

/** "loss 0.0423 · epoch 3.2" */
export function checkpointDescription(checkpoint: CheckpointSummary): string {
  if (checkpoint.fault !== null) return 'cannot be used';
  const parts: string[] = [];
  if (checkpoint.loss !== null) parts.push(`loss ${formatLoss(checkpoint.loss)}`);
  if (checkpoint.epoch) parts.push(`epoch ${Number(checkpoint.epoch.toFixed(2))}`);
  return parts.join(' · ');
}

/** @param picture address of the preview picture, or null */
export function runTooltip(
  run: RunSummary,
  training: TrainingStatus | null,
  picture: string | null,
): string {
  const live = liveStatusOf(run, training);
  const state = stateOf(run, training);
  const { step, steps, loss, seconds } = live ?? run;
  const rows =
    state === 'broken'
      ? []
      : [
          row('State', stateText(run, state)),
          row('Step', `${formatCount(step)} of ${formatCount(steps)}`),
          row('Loss', loss === null ? null : formatLoss(loss)),
          row('Trained for', seconds > 0 ? formatDuration(seconds) : null),
          row('Data set', run.dataset || null),
          classesRow(run),
          row('Device', run.device || null),
          row('Started', new Date(run.createdAt).toLocaleString()),
          row('Checkpoints', String(run.checkpoints.length)),
        ];
  return document(run.name, run.message, rows, picture, run.path);
}

/** @param picture address of the preview picture, or null */
export function checkpointTooltip(
  checkpoint: CheckpointSummary,
  run: RunSummary,
  picture: string | null,
): string {
  const rows = [
    row('Loss', checkpoint.loss === null ? null : formatLoss(checkpoint.loss)),
    row('Epoch', checkpoint.epoch ? checkpoint.epoch.toFixed(2) : null),
    classesRow(run),
    row('Written', new Date(checkpoint.writtenAt).toLocaleString()),
    row('Size', formatBytes(checkpoint.size)),
  ];
  const title = `Step ${formatCount(checkpoint.step)}`;
  return document(title, checkpoint.fault, rows, picture, checkpoint.path);
}

function classesRow({ classes }: RunSummary): string | null {
  return row('Class-conditional', classes && classesText(classes));
}

function row(name: string, value: string | null): string | null {
  return value && `| ${name} | ${plain(value)} |`;
}

function document(
  title: string,
  message: string | null,
  rows: readonly (string | null)[],
  picture: string | null,
  path: string,
): string {
  const table = rows.filter((each) => each !== null);
  const parts = [
    `**${plain(title)}**`,
    ...(message === null ? [] : [`$(warning) ${plain(message)}`]),
    ...(table.length > 0 ? [['| | |', '|:--|:--|', ...table].join('\n')] : []),
    ...(picture === null ? [] : [`![What it draws](${picture}|width=256)`]),
    plain(path),
  ];
  return parts.join('\n\n');
}
