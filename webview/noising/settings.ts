import { UserError } from '../../src/core/base/errors';
import {
  makeSchedule,
  type NoiseSchedule,
  type ScheduleKind,
} from '../../src/core/diffusion/schedule';
import type { NoiseSettings } from '../../src/engine/protocol';

/** A schedule at one click. */
export interface SchedulePreset {
  readonly name: string;
  readonly title: string;
  readonly settings: NoiseSettings;
}

export const KIND_LABELS: Readonly<Record<ScheduleKind, string>> = {
  linear: 'Linear',
  scaled_linear: 'Scaled linear',
  cosine: 'Cosine',
  sigmoid: 'Sigmoid',
};

const LINEAR = { betaStart: 1e-4, betaEnd: 0.02, zeroTerminalSnr: false } as const;

export const PRESETS: readonly SchedulePreset[] = [
  {
    name: 'DDPM (T = 1000)',
    title: 'Linear, 1000 timesteps, β from 0.0001 to 0.02: Ho et al., 2020',
    settings: { kind: 'linear', timesteps: 1000, ...LINEAR },
  },
  {
    name: 'Tutorial (T = 100)',
    title: 'The same β over 100 timesteps, as many tutorials have it: too little noise',
    settings: { kind: 'linear', timesteps: 100, ...LINEAR },
  },
  {
    name: 'Cosine (T = 1000)',
    title: 'Cosine, 1000 timesteps: Nichol & Dhariwal, 2021',
    settings: { kind: 'cosine', timesteps: 1000, ...LINEAR },
  },
];

/** What came of the settings in the editor: a schedule, or why there is none. */
export type ScheduleResult =
  | { readonly schedule: NoiseSchedule; readonly problem: null }
  | { readonly schedule: null; readonly problem: string };

/** Most timesteps of the view: its charts draw each. */
export const MOST_TIMESTEPS = 10_000;

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/\bbetaStart\b/g, 'the first β'],
  [/\bbetaEnd\b/g, 'the last β'],
  [/\btimesteps\b/g, 'T'],
];

/** Makes the schedule, in the view's own words where it cannot be made. */
export function scheduleFrom(settings: NoiseSettings): ScheduleResult {
  if (settings.timesteps > MOST_TIMESTEPS) {
    return { schedule: null, problem: `T is ${settings.timesteps}: give at most 10,000 here.` };
  }
  try {
    return { schedule: makeSchedule(settings), problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const problem = NAMES.reduce((text, [name, word]) => text.replace(name, word), error.message);
    return { schedule: null, problem: problem.charAt(0).toUpperCase() + problem.slice(1) };
  }
}

export function sameSettings(a: NoiseSettings, b: NoiseSettings): boolean {
  const betas = a.kind === 'cosine' || (a.betaStart === b.betaStart && a.betaEnd === b.betaEnd);
  return (
    a.kind === b.kind &&
    a.timesteps === b.timesteps &&
    a.zeroTerminalSnr === b.zeroTerminalSnr &&
    betas
  );
}
