import { UserError } from '../base/errors';

/** The schedules that can be made by name. */
export const SCHEDULE_KINDS = ['linear', 'scaled_linear', 'cosine', 'sigmoid'] as const;

export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

/** What `diffusers` calls each schedule in `beta_schedule` of a scheduler_config.json. */
export const DIFFUSERS_BETA_SCHEDULE: Readonly<Record<ScheduleKind, string>> = {
  linear: 'linear',
  scaled_linear: 'scaled_linear',
  cosine: 'squaredcos_cap_v2',
  sigmoid: 'sigmoid',
};

/** How a noise schedule is made. `betaStart` and `betaEnd` do not matter for `cosine`. */
export interface ScheduleSettings {
  readonly kind: ScheduleKind;
  /** T, the number of noise levels: 2 … 100,000. */
  readonly timesteps: number;
  /** β of the first timestep, in (0, 1). */
  readonly betaStart: number;
  /** β of the last timestep, in [betaStart, 1). */
  readonly betaEnd: number;
  /** Rescale so that ᾱ_T = 0 exactly (Lin et al., 2023, Algorithm 1). */
  readonly zeroTerminalSnr: boolean;
}

export const DEFAULT_SCHEDULE: ScheduleSettings = {
  kind: 'linear',
  timesteps: 1000,
  betaStart: 1e-4,
  betaEnd: 0.02,
  zeroTerminalSnr: false,
};

/**
 * The tables of a variance-preserving diffusion, one float64 entry per timestep t = 0 … T−1:
 * q(x_t | x_{t−1}) = N(√α_t · x_{t−1}, β_t) and q(x_t | x_0) = N(√ᾱ_t · x_0, 1 − ᾱ_t)
 * (Ho et al., 2020, equations 2 and 4).
 */
export interface NoiseSchedule {
  /** The schedule's name; `given` where the βs were handed in as a list. */
  readonly kind: ScheduleKind | 'given';
  /** T, the number of noise levels. */
  readonly timesteps: number;
  readonly betas: Float64Array;
  /** α_t = 1 − β_t. */
  readonly alphas: Float64Array;
  /** ᾱ_t = α_0 · … · α_t. */
  readonly alphaBars: Float64Array;
  /** What it was made from; absent for given βs. */
  readonly settings?: ScheduleSettings;
}

/** β is capped here in the cosine schedule (Nichol & Dhariwal, 2021, section 3.2). */
const MAX_COSINE_BETA = 0.999;
const MAX_TIMESTEPS = 100_000;

/**
 * Makes a schedule. Settings left out are those of {@link DEFAULT_SCHEDULE}.
 * @throws UserError naming the setting that is out of range.
 */
export function makeSchedule(settings: Partial<ScheduleSettings> = {}): NoiseSchedule {
  const full = { ...DEFAULT_SCHEDULE, ...settings };
  validate(full);
  const betas = BETAS[full.kind](full);
  const tables = tablesOf(full.zeroTerminalSnr ? rescaleToZeroTerminalSnr(betas) : betas);
  return { kind: full.kind, timesteps: full.timesteps, ...tables, settings: full };
}

/**
 * A schedule from its list of βs, one a timestep (`trained_betas` of `diffusers`).
 * @throws UserError when the list is too short or a β is outside (0, 1].
 */
export function scheduleFromBetas(betas: ArrayLike<number>): NoiseSchedule {
  const list = Float64Array.from(betas);
  if (list.length < 2) {
    throw new UserError(`A schedule needs at least 2 betas and got ${list.length}: give all T.`);
  }
  const wrong = list.findIndex((beta) => !(beta > 0 && beta <= 1));
  if (wrong >= 0) {
    throw new UserError(
      `Beta ${wrong} of the schedule is ${list[wrong]}: every beta must be above 0 and at most 1.`,
    );
  }
  return { kind: 'given', timesteps: list.length, ...tablesOf(list) };
}

/** Signal-to-noise ratio ᾱ_t / (1 − ᾱ_t), a ratio of energies. */
export function snr(schedule: NoiseSchedule, t: number): number {
  const alphaBar = alphaBarAt(schedule, t);
  return alphaBar / (1 - alphaBar);
}

/** Signal-to-noise ratio in decibels, 10·log10(SNR); −Infinity where ᾱ_t = 0. */
export function snrDb(schedule: NoiseSchedule, t: number): number {
  return 10 * Math.log10(snr(schedule, t));
}

/** σ_t = √((1 − ᾱ_t) / ᾱ_t), the noise level of x_t / √ᾱ_t (Karras et al., 2022). */
export function sigma(schedule: NoiseSchedule, t: number): number {
  const alphaBar = alphaBarAt(schedule, t);
  return Math.sqrt((1 - alphaBar) / alphaBar);
}

/** How much of the clean image and of the noise is in a state: x = signal·x0 + noise·eps. */
export interface Level {
  readonly signal: number;
  readonly noise: number;
}

/** The level of x_t: √ᾱ_t and √(1 − ᾱ_t). */
export function levelAt(schedule: NoiseSchedule, t: number): Level {
  const alphaBar = alphaBarAt(schedule, t);
  return { signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) };
}

/** The level at which noise / signal = σ, with signal² + noise² = 1. */
export function levelOfSigma(sigma: number): Level {
  const signal = 1 / Math.sqrt(sigma * sigma + 1);
  return { signal, noise: sigma * signal };
}

/** What ᾱ = 0 counts as where a solver divides by it, as in `diffusers`: σ = 4096. */
const LEAST_ALPHA_BAR = 2 ** -24;

/**
 * σ as the solvers on noise levels take it: finite at zero terminal SNR, and linear in σ between two
 * timesteps.
 *
 * @param t 0 … T−1, whole or not
 * @throws RangeError when t is outside of that
 */
export function sigmaAt(schedule: NoiseSchedule, t: number): number {
  const below = Math.floor(t);
  const rest = t - below;
  const lower = finiteSigma(alphaBarAt(schedule, below));
  return rest === 0 ? lower : lower + rest * (finiteSigma(alphaBarAt(schedule, below + 1)) - lower);
}

function finiteSigma(alphaBar: number): number {
  const positive = alphaBar === 0 ? LEAST_ALPHA_BAR : alphaBar;
  return Math.sqrt((1 - positive) / positive);
}

/**
 * ᾱ_t, checked: the door through which the rest of this folder reads the table.
 * @throws RangeError when t is not a timestep of the schedule.
 */
export function alphaBarAt(schedule: NoiseSchedule, t: number): number {
  const alphaBar = schedule.alphaBars[t];
  if (alphaBar === undefined) {
    throw new RangeError(`Timestep ${t} is not in 0 … ${schedule.timesteps - 1}.`);
  }
  return alphaBar;
}

/** Whether two schedules come to the same noise at every timestep, however they were made. */
export function isSameNoise(a: NoiseSchedule, b: NoiseSchedule): boolean {
  if (a.timesteps !== b.timesteps) return false;
  return a.alphaBars.every((alphaBar, t) => Math.abs(alphaBar - b.alphaBars[t]!) < 1e-9);
}

const BETAS: Record<ScheduleKind, (settings: ScheduleSettings) => Float64Array> = {
  // Ho et al., 2020, section 4.
  linear: ({ timesteps, betaStart, betaEnd }) => linspace(betaStart, betaEnd, timesteps),
  // Rombach et al., 2022: linear in √β.
  scaled_linear: ({ timesteps, betaStart, betaEnd }) =>
    linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), timesteps).map((root) => root * root),
  // Nichol & Dhariwal, 2021, equation 17: β_t = 1 − f((t+1)/T) / f(t/T).
  cosine: ({ timesteps }) =>
    Float64Array.from({ length: timesteps }, (_, t) =>
      Math.min(
        1 - cosineAlphaBar((t + 1) / timesteps) / cosineAlphaBar(t / timesteps),
        MAX_COSINE_BETA,
      ),
    ),
  // Xu et al., 2022 (GeoDiff): a logistic curve over −6 … 6 between the two βs.
  sigmoid: ({ timesteps, betaStart, betaEnd }) =>
    linspace(-6, 6, timesteps).map((x) => (betaEnd - betaStart) / (1 + Math.exp(-x)) + betaStart),
};

function cosineAlphaBar(u: number): number {
  return Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
}

function linspace(from: number, to: number, count: number): Float64Array {
  const step = (to - from) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) =>
    i < count / 2 ? from + i * step : to - (count - 1 - i) * step,
  );
}

function tablesOf(betas: Float64Array): Pick<NoiseSchedule, 'betas' | 'alphas' | 'alphaBars'> {
  const alphas = betas.map((beta) => 1 - beta);
  let product = 1;
  const alphaBars = alphas.map((alpha) => (product *= alpha));
  return { betas, alphas, alphaBars };
}

/** Shifts and scales √ᾱ so that its last value is 0 and its first unchanged; gives the new βs. */
function rescaleToZeroTerminalSnr(betas: Float64Array): Float64Array {
  const roots = tablesOf(betas).alphaBars.map(Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  const alphaBars = roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
  return alphaBars.map((alphaBar, t) => 1 - (t === 0 ? alphaBar : alphaBar / alphaBars[t - 1]!));
}

function validate({ kind, timesteps, betaStart, betaEnd }: ScheduleSettings): void {
  if (!SCHEDULE_KINDS.includes(kind)) {
    throw new UserError(
      `There is no noise schedule '${String(kind)}': choose one of ${SCHEDULE_KINDS.join(', ')}.`,
    );
  }
  if (!Number.isInteger(timesteps) || timesteps < 2 || timesteps > MAX_TIMESTEPS) {
    throw new UserError(
      `timesteps is ${timesteps}: give a whole number from 2 to ${MAX_TIMESTEPS.toLocaleString('en')}.`,
    );
  }
  if (!(betaStart > 0 && betaStart < 1)) {
    throw new UserError(
      `betaStart is ${betaStart}: give a number between 0 and 1, such as 0.0001.`,
    );
  }
  if (!(betaEnd >= betaStart && betaEnd < 1)) {
    throw new UserError(
      `betaEnd is ${betaEnd}: give a number from betaStart (${betaStart}) up to, but not, 1.`,
    );
  }
}
