import { UserError } from '../base/errors';

/** How N of the T timesteps are picked for sampling (Lin et al., 2023, table 2). */
export const SPACINGS = ['leading', 'trailing', 'linspace'] as const;

export type Spacing = (typeof SPACINGS)[number];

export interface SpacingSettings {
  readonly spacing: Spacing;
  /** T of the schedule. */
  readonly timesteps: number;
  /** N, 1 … T. */
  readonly steps: number;
  /** Added to every timestep of `leading`; `diffusers`' steps_offset. Default 0. */
  readonly offset?: number;
  /**
   * What `leading` and `linspace` spread over 0 … T−1. `steps` (the default): the N timesteps. `ends`: the
   * N + 1 ends of the steps, of which the last, 0, is left out because the model is not asked there; so do
   * `diffusers`' multistep solvers. `exact`: as `steps`, but `linspace` is not rounded; so do its solvers
   * in σ.
   */
  readonly spread?: Spread;
}

export type Spread = 'steps' | 'ends' | 'exact';

/**
 * The timesteps to sample at, strictly descending, the very lists of `diffusers` (which rounds
 * halves to even, as here), but for a surplus −1 that its trailing lists end in for some N.
 *
 * - leading: i·⌊T/N⌋ + offset, i = N−1 … 0; never reaches T−1 unless N = T
 * - trailing: round(T − k·T/N) − 1, k = 0 … N−1; starts at T−1
 * - linspace: round of N even points over 0 … T−1
 *
 * {@link SpacingSettings.spread} says what differs for solvers of another kind.
 *
 * @throws UserError when N is not in 1 … T, or the offset leads outside 0 … T−1.
 */
export function spacedTimesteps(settings: SpacingSettings): number[] {
  const { spacing, timesteps, steps, offset = 0, spread = 'steps' } = settings;
  if (!SPACINGS.includes(spacing)) {
    throw new UserError(
      `There is no timestep spacing '${String(spacing)}': choose one of ${SPACINGS.join(', ')}.`,
    );
  }
  if (!Number.isInteger(steps) || steps < 1 || steps > timesteps) {
    throw new UserError(
      `steps is ${steps}: give a whole number from 1 to the schedule's ${timesteps} timesteps.`,
    );
  }
  if (spacing === 'trailing') return trailing(timesteps, steps);
  if (spread === 'ends') return withoutLast(settings);
  if (spacing === 'leading') return leading(timesteps, steps, offset);
  const list = linspace(timesteps, steps);
  return spread === 'exact' ? list.map(Math.fround) : list.map(roundHalfEven);
}

/** The largest offset with which `leading` stays within 0 … T−1. */
export function mostOffset({ timesteps, steps, spread }: SpacingSettings): number {
  if (spread !== 'ends') return timesteps - 1 - (steps - 1) * Math.floor(timesteps / steps);
  return timesteps - 1 - steps * Math.floor(timesteps / (steps + 1));
}

function withoutLast({ spacing, timesteps, steps, offset = 0 }: SpacingSettings): number[] {
  if (steps + 1 > timesteps) {
    throw new UserError(
      `steps is ${steps}: with ${spacing} spacing this solver takes at most ${timesteps - 1} of ` +
        `${timesteps} timesteps.`,
    );
  }
  if (spacing === 'linspace') {
    return linspace(timesteps, steps + 1)
      .slice(0, -1)
      .map(roundHalfEven);
  }
  return leading(timesteps, steps + 1, offset).slice(0, -1);
}

/**
 * The timesteps of a reverse process that begins at t, where a noised image lies, rather than in pure
 * noise: t first, then down as {@link spacedTimesteps}' `trailing`, which it is for t = T−1.
 *
 * @param t 0 …
 * @param steps 1 … t + 1
 * @throws UserError when one is out of range
 */
export function timestepsFrom(t: number, steps: number): number[] {
  if (!Number.isInteger(t) || t < 0) {
    throw new UserError(`The timestep to denoise from is ${t}: give a whole number, 0 or more.`);
  }
  if (!Number.isInteger(steps) || steps < 1 || steps > t + 1) {
    throw new UserError(
      `steps is ${steps}: from timestep ${t} give a whole number from 1 to ${t + 1}.`,
    );
  }
  return trailing(t + 1, steps);
}

function leading(timesteps: number, steps: number, offset: number): number[] {
  const ratio = Math.floor(timesteps / steps);
  const most = timesteps - 1 - (steps - 1) * ratio;
  if (!Number.isInteger(offset) || offset < 0 || offset > most) {
    throw new UserError(
      `stepsOffset is ${offset}: with ${steps} steps of ${timesteps} give a whole number from 0 to ${most}.`,
    );
  }
  return Array.from({ length: steps }, (_, k) => (steps - 1 - k) * ratio + offset);
}

function trailing(timesteps: number, steps: number): number[] {
  // NumPy's arange derives its increment from its first two values; the rounding below hangs on it.
  const increment = timesteps - timesteps / steps - timesteps;
  return Array.from({ length: steps }, (_, k) => roundHalfEven(timesteps + k * increment) - 1);
}

function linspace(timesteps: number, steps: number): number[] {
  const increment = (timesteps - 1) / (steps - 1);
  return Array.from({ length: steps }, (_, k) => {
    const i = steps - 1 - k;
    if (i === 0) return 0;
    return k === 0 ? timesteps - 1 : i * increment;
  });
}

/** To the nearest whole number, halves to the even one, as NumPy. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
