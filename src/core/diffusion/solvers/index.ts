import { ddim } from './ddim';
import { ddpm } from './ddpm';
import { dpmSolver, sdeDpmSolver } from './dpm-solver';
import { euler, eulerAncestral } from './euler';
import { heun } from './heun';
import { pndm, PRK } from './pndm';
import type { Solver } from './solver';
import { unipc } from './unipc';

export type { Bh, Order, Solver, SolverOptions, SolverStep, Variance } from './solver';
export { BHS, ORDERS, VARIANCES } from './solver';

/**
 * Settings that some solvers take and others do not. `clip` and `threshold` limit the predicted x0, as far
 * as `diffusers`' scheduler of that name does; `karras` spaces noise levels after Karras et al., 2022,
 * equation 5.
 */
export const SOLVER_SETTINGS = [
  'eta',
  'variance',
  'order',
  'bh',
  'karras',
  'skipPrk',
  'alphaToOne',
  'clip',
  'threshold',
] as const;

export type SolverSetting = (typeof SOLVER_SETTINGS)[number];

export interface SolverEntry {
  /** The name that people read. */
  readonly label: string;
  readonly solver: Solver;
  /** Steps to take unless told otherwise, of a schedule's T timesteps. */
  readonly defaultSteps: (timesteps: number) => number;
  /** Whether it draws noise on the way (DDIM only does with eta above 0). */
  readonly stochastic: boolean;
  readonly takes: readonly SolverSetting[];
  /**
   * Where it asks the model. `timesteps`: at whole timesteps alone. `ends`: at noise levels whose timesteps
   * are whole, spread with the end of the last step. `levels`: at noise levels whose timesteps need not be
   * whole.
   */
  readonly grid: 'timesteps' | 'ends' | 'levels';
  /** How often it asks the model in a number of steps. */
  readonly evaluations: (steps: number, settings: { readonly skipPrk?: boolean }) => number;
}

const each = (steps: number) => steps;
const atMost = (most: number) => (timesteps: number) => Math.min(most, timesteps);
const belowAll = (most: number) => (timesteps: number) => Math.min(most, timesteps - 1);

/** Every solver by the name that settings and the command line use. */
export const SOLVERS = {
  ddpm: {
    label: 'DDPM',
    solver: ddpm,
    defaultSteps: (timesteps) => timesteps,
    stochastic: true,
    takes: ['variance', 'clip', 'threshold'],
    grid: 'timesteps',
    evaluations: each,
  },
  ddim: {
    label: 'DDIM',
    solver: ddim,
    defaultSteps: atMost(50),
    stochastic: false,
    takes: ['eta', 'alphaToOne', 'clip', 'threshold'],
    grid: 'timesteps',
    evaluations: each,
  },
  pndm: {
    label: 'PNDM',
    solver: pndm,
    defaultSteps: atMost(50),
    stochastic: false,
    takes: ['skipPrk', 'alphaToOne'],
    grid: 'timesteps',
    evaluations: (steps, { skipPrk = false }) =>
      skipPrk
        ? steps + (steps > 1 ? 1 : 0)
        : steps + Math.min(steps, PRK.steps) * (PRK.evaluations - 1),
  },
  'dpmsolver++': {
    label: 'DPM-Solver++',
    solver: dpmSolver,
    defaultSteps: belowAll(20),
    stochastic: false,
    takes: ['order', 'karras', 'threshold'],
    grid: 'ends',
    evaluations: each,
  },
  'sde-dpmsolver++': {
    label: 'SDE-DPM-Solver++',
    solver: sdeDpmSolver,
    defaultSteps: belowAll(50),
    stochastic: true,
    takes: ['order', 'karras', 'threshold'],
    grid: 'ends',
    evaluations: each,
  },
  euler: {
    label: 'Euler',
    solver: euler,
    defaultSteps: atMost(50),
    stochastic: false,
    takes: ['karras'],
    grid: 'levels',
    evaluations: each,
  },
  'euler-ancestral': {
    label: 'Euler ancestral',
    solver: eulerAncestral,
    defaultSteps: atMost(50),
    stochastic: true,
    takes: [],
    grid: 'levels',
    evaluations: each,
  },
  heun: {
    label: 'Heun',
    solver: heun,
    defaultSteps: atMost(25),
    stochastic: false,
    takes: ['karras', 'clip'],
    grid: 'levels',
    evaluations: (steps) => 2 * steps - 1,
  },
  unipc: {
    label: 'UniPC',
    solver: unipc,
    defaultSteps: belowAll(20),
    stochastic: false,
    takes: ['order', 'bh', 'karras', 'threshold'],
    grid: 'ends',
    evaluations: each,
  },
} as const satisfies Record<string, SolverEntry>;

export type SolverName = keyof typeof SOLVERS;

export const SOLVER_NAMES = Object.keys(SOLVERS) as SolverName[];

/** Whether a solver takes a setting. */
export function takes(solver: SolverName, setting: SolverSetting): boolean {
  return (SOLVERS[solver].takes as readonly SolverSetting[]).includes(setting);
}

/** The solvers that take a setting, as a sentence has them: "ddim" or "ddim, pndm". */
export function solversWith(setting: SolverSetting): string {
  return SOLVER_NAMES.filter((name) => takes(name, setting)).join(', ');
}
