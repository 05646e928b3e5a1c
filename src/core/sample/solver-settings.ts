import { z } from 'zod';
import { UserError } from '../base/errors';
import type { SamplingConfig } from '../checkpoint/scheduler-config';
import type { Clip, Threshold } from '../diffusion/prediction';
import type { NoiseSchedule } from '../diffusion/schedule';
import {
  BHS,
  ORDERS,
  SOLVERS,
  SOLVER_NAMES,
  solversWith,
  takes,
  VARIANCES,
  type Bh,
  type Order,
  type SolverName,
  type SolverSetting,
  type Variance,
} from '../diffusion/solvers';
import { spreadOf } from '../diffusion/solvers/plan';
import { mostOffset, type Spacing } from '../diffusion/spacing';

/** The settings of solvers as they are asked for, but for the spacing: fields of a zod object. */
export const SolverShape = {
  solver: z.enum(SOLVER_NAMES).optional(),
  steps: z.int().min(1).optional(),
  eta: z.number().min(0).max(1).optional(),
  variance: z.enum(VARIANCES).optional(),
  order: z.literal(ORDERS).optional(),
  bh: z.enum(BHS).optional(),
  karras: z.boolean().optional(),
  skipPrk: z.boolean().optional(),
  threshold: z.number().gt(0).max(1).optional(),
  thresholdMax: z.number().min(1).optional(),
};

/** What is asked of a solver; what is left out is as the model's folder says. */
export interface SolverWishes {
  /** Left out: {@link defaultSolver}. */
  readonly solver?: SolverName;
  /** Left out: the solver's own default, at most T. */
  readonly steps?: number;
  readonly spacing?: Spacing;
  readonly eta?: number;
  readonly variance?: Variance;
  readonly order?: Order;
  readonly bh?: Bh;
  readonly karras?: boolean;
  readonly skipPrk?: boolean;
  /** The ratio of {@link Threshold}. */
  readonly threshold?: number;
  /** Its largest value; left out: the folder's where that thresholds, else no limit. */
  readonly thresholdMax?: number;
}

/** What wishes come to. Of the last, only what the solver takes. */
export interface SolverSettings {
  readonly solver: SolverName;
  /** 1 … T; what they cost, the table of solvers says. */
  readonly steps: number;
  readonly spacing: Spacing;
  /** Added to the timesteps of leading spacing. Default 0. */
  readonly offset?: number;
  /** DDIM's share of fresh noise, 0 … 1. */
  readonly eta: number;
  /** DDPM's variance. */
  readonly variance: Variance;
  readonly clip: Clip;
  readonly order?: Order;
  readonly bh?: Bh;
  readonly karras?: boolean;
  readonly skipPrk?: boolean;
  readonly alphaToOne?: boolean;
  readonly threshold?: Threshold;
}

/** A setting that is asked for, and the setting of the table that it belongs to. */
const ASKED: Readonly<Partial<Record<keyof SolverWishes, SolverSetting>>> = {
  eta: 'eta',
  variance: 'variance',
  order: 'order',
  bh: 'bh',
  karras: 'karras',
  skipPrk: 'skipPrk',
  threshold: 'threshold',
  thresholdMax: 'threshold',
};

const OPTIONS: Readonly<Partial<Record<keyof SolverWishes, string>>> = {
  skipPrk: '--skip-prk',
  thresholdMax: '--threshold-max',
};

/**
 * The solver that is used where none is asked for: the folder's own, but DDIM in place of DDPM, which would
 * visit all timesteps; DDIM draws by the same model in a twentieth of them.
 */
export function defaultSolver({ solver }: SamplingConfig): SolverName {
  return solver === null || solver === 'ddpm' ? 'ddim' : solver;
}

/**
 * Refuses settings that would be without effect.
 *
 * @throws UserError that names the setting, and the solvers that take it
 */
export function checkUse(solver: SolverName, wishes: SolverWishes): void {
  for (const [key, setting] of Object.entries(ASKED) as [keyof SolverWishes, SolverSetting][]) {
    if (wishes[key] === undefined || takes(solver, setting)) continue;
    const others = solversWith(setting).replace(/, ([^,]*)$/, ' and $1');
    throw new UserError(
      `${OPTIONS[key] ?? `--${key}`} is for the ${others} solver${others.includes(' ') ? 's' : ''}, ` +
        `not ${solver}; leave it out.`,
    );
  }
}

/**
 * The settings that wishes come to for a folder's schedule.
 *
 * @throws UserError if they do not fit each other or the schedule
 */
export function solverSettings(
  folder: SamplingConfig,
  { timesteps }: Pick<NoiseSchedule, 'timesteps'>,
  wishes: SolverWishes,
): SolverSettings {
  const solver = wishes.solver ?? defaultSolver(folder);
  checkUse(solver, wishes);
  const steps = wishes.steps ?? SOLVERS[solver].defaultSteps(timesteps);
  if (steps > timesteps) {
    throw new UserError(
      `--steps is ${steps}, more than the ${timesteps} timesteps that the model was trained with; give at most ${timesteps}.`,
    );
  }
  const spacing = wishes.spacing ?? folder.timestepSpacing;
  const own = ownSettings(solver, folder, wishes);
  checkSteps(solver, { steps, spacing, timesteps, ...own });
  return {
    solver,
    steps,
    spacing,
    offset: offsetFor(solver, { steps, spacing, timesteps, offset: folder.stepsOffset }),
    eta: wishes.eta ?? 0,
    variance: wishes.variance ?? folder.varianceType,
    clip: takes(solver, 'clip') && folder.clipSample ? folder.clipSampleRange : false,
    ...own,
  };
}

/** The settings that only some solvers have. */
function ownSettings(
  solver: SolverName,
  folder: SamplingConfig,
  wishes: SolverWishes,
): Pick<SolverSettings, 'order' | 'bh' | 'karras' | 'skipPrk' | 'alphaToOne' | 'threshold'> {
  const { alphaToOne } = folder;
  const threshold = takes(solver, 'threshold') ? thresholdFor(folder, wishes) : null;
  return {
    ...(takes(solver, 'order') && { order: wishes.order ?? folder.order }),
    ...(takes(solver, 'bh') && { bh: wishes.bh ?? folder.bh }),
    ...(takes(solver, 'karras') && { karras: wishes.karras ?? folder.karras }),
    ...(takes(solver, 'skipPrk') && { skipPrk: wishes.skipPrk ?? folder.skipPrk }),
    ...(takes(solver, 'alphaToOne') && alphaToOne !== null && { alphaToOne }),
    ...(threshold && { threshold }),
  };
}

function thresholdFor({ threshold }: SamplingConfig, wishes: SolverWishes): Threshold | null {
  const ratio = wishes.threshold ?? threshold?.ratio;
  if (ratio !== undefined) return { ratio, max: wishes.thresholdMax ?? threshold?.max ?? null };
  if (wishes.thresholdMax === undefined) return null;
  throw new UserError(
    '--threshold-max is for --threshold, which is not given; give both, or leave it out.',
  );
}

/** What is known of the steps before the solver is asked. */
interface Walk {
  readonly steps: number;
  readonly spacing: Spacing;
  readonly timesteps: number;
  readonly karras?: boolean;
  readonly skipPrk?: boolean;
}

function checkSteps(solver: SolverName, walk: Walk): void {
  const { steps, spacing, timesteps, karras = false, skipPrk = false } = walk;
  if (solver === 'pndm' && !skipPrk && steps < 4) {
    throw new UserError(
      `--steps is ${steps}, but PNDM starts with 3 Runge-Kutta steps; give at least 4, or leave them out with --skip-prk.`,
    );
  }
  const isSpread = SOLVERS[solver].grid === 'ends' && spacing !== 'trailing' && !karras;
  if (isSpread && steps >= timesteps) {
    throw new UserError(
      `--steps is ${steps}, but ${solver} takes at most ${timesteps - 1} of ${timesteps} timesteps with ${spacing} spacing; give fewer.`,
    );
  }
}

/** As far as the timesteps go: diffusers would read past the end of its tables. */
function offsetFor(
  solver: SolverName,
  settings: Omit<Walk, 'karras' | 'skipPrk'> & { readonly offset: number },
): number {
  if (settings.spacing !== 'leading') return 0;
  const most = mostOffset({ ...settings, spread: spreadOf(solver) });
  return Math.min(settings.offset, most);
}
