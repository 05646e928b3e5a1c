import type { NoiseSchedule, ScheduleSettings } from './schedule';
import { makeSchedule } from './schedule';

/**
 * How much of the image the last noise level still holds. Sampling starts from pure noise; what
 * x_T keeps of the image (above all its mean brightness) is what the samples will get wrong
 * (Lin et al., 2023).
 */
export interface TerminalCheck {
  /** √ᾱ_T: the share of the image's amplitude in x_T, 0 … 1. */
  readonly amplitude: number;
  /** ᾱ_T: the share of its energy, 0 … 1. */
  readonly energy: number;
  /** `fine`: too little to matter; `noticeable`: shifts brightness; `severe`: samples will be off. */
  readonly verdict: 'fine' | 'noticeable' | 'severe';
  /** What is wrong, in one sentence; absent when fine. */
  readonly problem?: string;
  /** The way out, in one sentence; absent when fine. */
  readonly mend?: string;
}

/** Amplitudes from which the verdict is `noticeable` and `severe`. */
const NOTICEABLE = 0.04;
const SEVERE = 0.2;
/** The amplitude that a suggested β reaches. */
const AIM = 0.01;

/** Says whether x_T is noise enough to start from, and the mend where it is not. */
export function terminalCheck(schedule: NoiseSchedule): TerminalCheck {
  const energy = schedule.alphaBars[schedule.timesteps - 1]!;
  const amplitude = Math.sqrt(energy);
  if (amplitude <= NOTICEABLE) return { amplitude, energy, verdict: 'fine' };
  return {
    amplitude,
    energy,
    verdict: amplitude > SEVERE ? 'severe' : 'noticeable',
    problem:
      `At the last of ${schedule.timesteps} timesteps x_T still holds ${percent(amplitude)} of the ` +
      `image's amplitude (${percent(energy)} of its energy), yet sampling starts from pure noise.`,
    mend: mendOf(schedule),
  };
}

function mendOf({ kind, timesteps, settings }: NoiseSchedule): string {
  const ways = kind === 'cosine' ? [] : ['choose the cosine schedule'];
  const betaEnd = settings && enoughBetaEnd(settings);
  if (betaEnd) ways.push(`raise the last β (--beta-end) to ${betaEnd}`);
  else if (timesteps < 1000) ways.push('use more timesteps');
  ways.push('rescale the schedule to zero terminal SNR (with prediction v or x0)');
  const sentence = `${ways.slice(0, -1).join(', ')}${ways.length > 1 ? ', or ' : ''}${ways.at(-1)}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** The least betaEnd, to two digits, that brings √ᾱ_T down to the aim; undefined if none does. */
function enoughBetaEnd(settings: ScheduleSettings): number | undefined {
  if (settings.kind === 'cosine') return undefined;
  const suffices = (betaEnd: number) =>
    makeSchedule({ ...settings, betaEnd }).alphaBars.at(-1)! <= AIM * AIM;
  let low = settings.betaEnd;
  let high = 0.99;
  if (low >= high || !suffices(high)) return undefined;
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (suffices(middle)) high = middle;
    else low = middle;
  }
  const unit = 10 ** (Math.floor(Math.log10(high)) - 1);
  return Number((Math.ceil(high / unit) * unit).toPrecision(2));
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
