import { karrasSigmas, timestepOfSigma } from '../karras';
import type { NoiseSchedule } from '../schedule';
import { levelOfSigma, sigmaAt } from '../schedule';
import type { Spacing, SpacingSettings } from '../spacing';
import { roundHalfEven, spacedTimesteps, timestepsFrom } from '../spacing';
import { SOLVERS, type SolverName } from './index';

/** Where a solver asks the model, for its options. */
export interface StepPlan {
  readonly timesteps: readonly number[];
  readonly sigmas?: readonly number[];
  /**
   * What N(0, 1) noise is multiplied by to begin with. A little below 1 where a solver on noise levels
   * begins at the largest σ itself, as in `diffusers` (init_noise_sigma, there in x_t / √ᾱ_t).
   */
  readonly start: number;
}

export interface PlanSettings {
  readonly schedule: NoiseSchedule;
  readonly steps: number;
  readonly spacing: Spacing;
  /** Added to the timesteps of leading spacing. Default 0. */
  readonly offset?: number;
  /** Noise levels after Karras et al. between the first and the last. Default false. */
  readonly karras?: boolean;
}

/** How a solver's timesteps are spread over the schedule. */
export function spreadOf(solver: SolverName): NonNullable<SpacingSettings['spread']> {
  return { timesteps: 'steps', ends: 'ends', levels: 'exact' }[SOLVERS[solver].grid] as NonNullable<
    SpacingSettings['spread']
  >;
}

/**
 * The plan for drawing from pure noise, the same as that of `diffusers`' scheduler.
 *
 * @throws UserError when steps or offset are out of range
 */
export function planSteps(solver: SolverName, settings: PlanSettings): StepPlan {
  const { schedule, steps, spacing, offset, karras = false } = settings;
  const { grid } = SOLVERS[solver];
  if (karras && grid === 'ends') {
    const last = sigmaAt(schedule, schedule.timesteps - 1);
    return { ...karrasPlan(solver, settings, last, sigmaAt(schedule, 0)), start: 1 };
  }
  const timesteps = spacedTimesteps({
    spacing,
    timesteps: schedule.timesteps,
    steps,
    offset,
    spread: spreadOf(solver),
  });
  if (grid !== 'levels') return { timesteps, start: 1 };
  const [first, least] = [timesteps[0]!, timesteps.at(-1)!].map((t) => sigmaAt(schedule, t));
  const start = spacing === 'leading' ? 1 : levelOfSigma(first!).noise;
  if (!karras) return { timesteps, start };
  return { ...karrasPlan(solver, settings, first!, least!), start };
}

/**
 * The plan for going on from images that were noised to t.
 *
 * @throws UserError when t or steps are out of range
 */
export function planFrom(
  solver: SolverName,
  t: number,
  settings: Pick<PlanSettings, 'schedule' | 'steps' | 'karras'>,
): StepPlan {
  const { schedule, steps, karras = false } = settings;
  const timesteps = timestepsFrom(t, steps);
  const { grid } = SOLVERS[solver];
  if (!karras || grid === 'timesteps' || steps === 1) return { timesteps, start: 1 };
  const ends = [sigmaAt(schedule, t), sigmaAt(schedule, 0)] as const;
  return { ...karrasPlan(solver, settings, ...ends), start: 1 };
}

function karrasPlan(
  solver: SolverName,
  { schedule, steps }: Pick<PlanSettings, 'schedule' | 'steps'>,
  largest: number,
  least: number,
): Pick<StepPlan, 'timesteps' | 'sigmas'> {
  const sigmas = karrasSigmas(largest, least, steps);
  const exact = sigmas.map((sigma) => timestepOfSigma(schedule, sigma));
  if (SOLVERS[solver].grid === 'levels') return { sigmas, timesteps: exact };
  // On a cosine schedule, diffusers' DPM-Solver++ cuts where it elsewhere rounds.
  const isCut = solver !== 'unipc' && schedule.kind === 'cosine';
  return { sigmas, timesteps: exact.map(isCut ? Math.floor : roundHalfEven) };
}
