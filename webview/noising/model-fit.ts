import { isSameNoise, type NoiseSchedule } from '../../src/core/diffusion/schedule';
import type { ModelFacts, NoiseSettings } from '../../src/engine/protocol';
import type { NoisingModelChoice } from '../protocol';
import type { CleanImage } from './forward-process';
import { KIND_LABELS, scheduleFrom } from './settings';

/** A model that takes this image from this schedule, or why it does not. */
export interface WeighedModel {
  readonly choice: NoisingModelChoice;
  /** Null where it fits. */
  readonly reason: string | null;
}

/** Checkpoints that do not fit for one reason. */
export interface Unfit {
  /** The first of them: of a run, the newest. */
  readonly choice: NoisingModelChoice;
  readonly count: number;
  readonly reason: string;
}

/** Weighs models against an image and its noise. */
export function weigh(
  models: readonly NoisingModelChoice[],
  image: Pick<CleanImage, 'width' | 'height' | 'channels'>,
  schedule: NoiseSchedule,
): WeighedModel[] {
  const schedules = new Map<string, boolean>();
  const isSame = (settings: NoiseSettings) => {
    const key = JSON.stringify(settings);
    const known = schedules.get(key);
    if (known !== undefined) return known;
    const made = scheduleFrom(settings).schedule;
    const same = made !== null && isSameNoise(made, schedule);
    schedules.set(key, same);
    return same;
  };
  return models.map((choice) => ({ choice, reason: reasonOf(choice, image, isSame) }));
}

function reasonOf(
  { facts, message }: NoisingModelChoice,
  image: Pick<CleanImage, 'width' | 'height' | 'channels'>,
  isSame: (settings: NoiseSettings) => boolean,
): string | null {
  if (!facts) return message ?? 'It cannot be read.';
  const { width, height, channels } = facts;
  const isSize = width === image.width && height === image.height && channels === image.channels;
  const reasons = [
    ...(isSize ? [] : [`takes images of ${sizeText(facts)}`]),
    ...(isSame(facts.schedule) ? [] : [`was trained with ${scheduleText(facts.schedule)}`]),
  ];
  return reasons.length === 0 ? null : reasons.join(', and ');
}

function sizeText({ width, height, channels }: ModelFacts): string {
  const colours = { 1: 'in grey', 3: 'in colour' }[channels] ?? `with ${channels} channels`;
  return `${width} × ${height} ${colours}`;
}

function scheduleText({ kind, timesteps, betaStart, betaEnd, zeroTerminalSnr }: NoiseSettings) {
  const betas = kind === 'cosine' ? '' : `, β ${betaStart} … ${betaEnd}`;
  const zero = zeroTerminalSnr ? ', zero terminal SNR' : '';
  return `${KIND_LABELS[kind].toLowerCase()}, T = ${timesteps}${betas}${zero}`;
}

/** Those that do not fit, checkpoints of one run together. */
export function unfitOf(weighed: readonly WeighedModel[]): Unfit[] {
  const groups = new Map<string, Unfit>();
  for (const { choice, reason } of weighed) {
    if (reason === null) continue;
    const key = `${choice.group}\n${reason}`;
    const known = groups.get(key);
    groups.set(key, { choice, reason, ...known, count: (known?.count ?? 0) + 1 });
  }
  return [...groups.values()];
}

/** Whether image and schedule can be made to fit in this view. */
export function canBeMet(facts: ModelFacts | null): facts is ModelFacts & { channels: 1 | 3 } {
  if (!facts || facts.width !== facts.height) return false;
  const isColour = facts.channels === 1 || facts.channels === 3;
  return isColour && scheduleFrom(facts.schedule).schedule !== null;
}
