import type { SkippedFiles, TrainingStatus } from '../engine/protocol';
import { formatBytes, formatCount, formatDuration, formatLoss, formatSpeed, plain } from './format';

/** "reading images 40 %": what a preparation does. */
export function preparingText(status: TrainingStatus): string {
  const { preparing } = status;
  if (!preparing) return 'preparing';
  if (preparing.total <= 0) return preparing.what;
  return `${preparing.what} ${Math.floor((100 * preparing.done) / preparing.total)} %`;
}

/** "1,200/2,000 · loss 0.0423 · 6.8 it/s · 2 min left": where a training stands, in a line. */
export function standingText(status: TrainingStatus): string {
  const parts = [`${formatCount(status.step)}/${formatCount(status.steps)}`];
  if (status.loss !== null) parts.push(`loss ${formatLoss(status.loss)}`);
  if (status.state === 'running' && status.evaluation?.running) {
    const { what, share } = status.evaluation.running;
    parts.push(`evaluating: ${what} ${Math.floor(100 * share)} %`);
  } else if (status.state === 'running') {
    if (status.stepsPerSecond) parts.push(formatSpeed(status.stepsPerSecond));
    if (status.etaSeconds !== null) parts.push(`${formatDuration(status.etaSeconds)} left`);
  }
  return parts.join(' · ');
}

/** What the status bar shows of a training that is under way. */
export function statusBarText(status: TrainingStatus): string {
  switch (status.state) {
    case 'preparing':
      return `$(loading~spin) Diffusion: ${preparingText(status)}`;
    case 'paused':
      return `$(debug-pause) ${standingText(status)} · paused`;
    case 'stopping':
      return `$(loading~spin) ${standingText(status)} · stopping`;
    default:
      return `$(pulse) ${standingText(status)}`;
  }
}

/** The same for a screen reader: no symbols. */
export function statusLabel(status: TrainingStatus): string {
  const doing = status.state === 'preparing' ? preparingText(status) : status.state;
  return `Diffusion training ${status.name}: ${doing}, ${standingText(status).replace(/ · /g, ', ')}`;
}

/** A table of what is known of a training, in Markdown, with the actions that make sense. */
export function statusTooltip(status: TrainingStatus): string {
  const rows: readonly (readonly [string, string | null])[] = [
    ['State', status.state === 'preparing' ? preparingText(status) : status.state],
    ['Step', `${formatCount(status.step)} of ${formatCount(status.steps)}`],
    ['Epoch', status.epoch > 0 ? status.epoch.toFixed(2) : null],
    ['Loss', status.loss === null ? null : formatLoss(status.loss)],
    ['Speed', status.imagesPerSecond ? `${Math.round(status.imagesPerSecond)} images/s` : null],
    ['Trained for', status.seconds > 0 ? formatDuration(status.seconds) : null],
    ['Left', status.etaSeconds === null ? null : formatDuration(status.etaSeconds)],
    ['Device', status.device || null],
    ['Data set', status.dataset || null],
    ['Memory', status.memory > 0 ? formatBytes(status.memory) : null],
    ['Last checkpoint', checkpointText(status)],
  ];
  const table = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `| ${name} | ${plain(value!)} |`);
  return [
    `**${plain(status.name)}**`,
    '',
    '| | |',
    '|:--|:--|',
    ...table,
    '',
    actions(status),
  ].join('\n');
}

/** "1 file left out of pets: dogs/broken.png is damaged or cut short." */
export function skippedText({ from, count, first }: SkippedFiles): string {
  const files = count === 1 ? '1 file' : `${formatCount(count)} files`;
  const others = count === 1 ? '' : `, and ${formatCount(count - 1)} more`;
  return `${files} left out of ${from}: ${faultText(first[0]!)}${others}.`;
}

/** A file and what is wrong with it, without a full stop. */
export function faultText({ path, reason }: SkippedFiles['first'][number]): string {
  return reason.startsWith('it ') ? `${path} ${reason.slice('it '.length)}` : `${path}: ${reason}`;
}

function checkpointText({ lastCheckpoint }: TrainingStatus): string | null {
  return lastCheckpoint && `step ${formatCount(lastCheckpoint.step)}`;
}

function actions({ state }: TrainingStatus): string {
  const links: string[] = [];
  if (state === 'running') links.push('[$(debug-pause) Pause](command:diffusion.pauseTraining)');
  if (state === 'paused') links.push('[$(play) Resume](command:diffusion.unpauseTraining)');
  if (state === 'running' || state === 'paused') {
    links.push('[$(save) Checkpoint now](command:diffusion.checkpointNow)');
  }
  if (state !== 'stopping') links.push('[$(debug-stop) Stop](command:diffusion.stopTraining)');
  return links.join(' &nbsp; ');
}
