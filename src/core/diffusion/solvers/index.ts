import { ddim } from './ddim';
import { ddpm } from './ddpm';
import type { Solver } from './solver';

export type { Solver, SolverOptions, SolverStep, Variance } from './solver';
export { VARIANCES } from './solver';

export interface SolverEntry {
  /** The name that people read. */
  readonly label: string;
  readonly solver: Solver;
  /** Steps to take unless told otherwise, of a schedule's T timesteps. */
  readonly defaultSteps: (timesteps: number) => number;
  /** Whether it draws noise on the way (DDIM only does with eta above 0). */
  readonly stochastic: boolean;
}

/** Every solver by the name that settings and the command line use. */
export const SOLVERS = {
  ddpm: { label: 'DDPM', solver: ddpm, defaultSteps: (timesteps) => timesteps, stochastic: true },
  ddim: {
    label: 'DDIM',
    solver: ddim,
    defaultSteps: (timesteps) => Math.min(50, timesteps),
    stochastic: false,
  },
} as const satisfies Record<string, SolverEntry>;

export type SolverName = keyof typeof SOLVERS;

export const SOLVER_NAMES = Object.keys(SOLVERS) as SolverName[];
