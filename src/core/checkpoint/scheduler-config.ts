import { z } from 'zod';
import { UserError } from '../base/errors';
import { isRecord, parseWith, show } from '../base/schema';
import type { Prediction, ScheduleConfig, ScheduleKind } from '../config/training-config';
import type { Threshold } from '../diffusion/prediction';
import type { Bh, Order, SolverName } from '../diffusion/solvers';
import { BHS } from '../diffusion/solvers';
import { SCHEDULER_CLASSES, unknownWays } from './scheduler-classes';

/** The diffusers version whose formats are written. */
export const DIFFUSERS_VERSION = '0.42.1';

const KINDS = {
  linear: 'linear',
  scaled_linear: 'scaled_linear',
  squaredcos_cap_v2: 'cosine',
  sigmoid: 'sigmoid',
} as const satisfies Record<string, ScheduleKind>;

const PREDICTION_TYPES = {
  epsilon: 'eps',
  v_prediction: 'v',
  sample: 'x0',
} as const satisfies Record<string, Prediction>;

/** How a pipeline folder wants to be sampled from, beside the schedule itself. */
export interface SamplingConfig {
  /** The solver that its scheduler is; null for a scheduler that is not known here. */
  readonly solver: SolverName | null;
  readonly varianceType: 'fixed_small' | 'fixed_large';
  /** Whether each prediction of x0 is clipped to ±`clipSampleRange`. */
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  readonly timestepSpacing: 'leading' | 'trailing' | 'linspace';
  /** Added to the timesteps of 'leading' spacing. */
  readonly stepsOffset: number;
  /** Dynamic thresholding in place of clipping; null for none. */
  readonly threshold: Threshold | null;
  /** Of the multistep solvers. */
  readonly order: Order;
  /** Of UniPC. */
  readonly bh: Bh;
  /** Whether noise levels are spaced after Karras et al. */
  readonly karras: boolean;
  /** Whether PNDM skips its Runge-Kutta start. */
  readonly skipPrk: boolean;
  /** Whether the last step of DDIM and PNDM goes to ᾱ = 1; null: as each does by itself. */
  readonly alphaToOne: boolean | null;
}

/** `scheduler_config.json` of a DDPMScheduler with our schedule: every field that diffusers writes. */
export function schedulerConfigJson(schedule: ScheduleConfig): Record<string, unknown> {
  return {
    _class_name: 'DDPMScheduler',
    _diffusers_version: DIFFUSERS_VERSION,
    beta_end: schedule.betaEnd,
    beta_schedule: keyOf(KINDS, schedule.kind),
    beta_start: schedule.betaStart,
    clip_sample: true,
    clip_sample_range: 1,
    dynamic_thresholding_ratio: 0.995,
    num_train_timesteps: schedule.timesteps,
    prediction_type: keyOf(PREDICTION_TYPES, schedule.prediction),
    rescale_betas_zero_snr: schedule.zeroTerminalSnr,
    sample_max_value: 1,
    steps_offset: 0,
    thresholding: false,
    // Only trailing spacing starts at the last timestep, where nothing of the image is left.
    timestep_spacing: schedule.zeroTerminalSnr ? 'trailing' : 'leading',
    trained_betas: null,
    variance_type: 'fixed_small',
  };
}

function keyOf(table: Readonly<Record<string, string>>, value: string): string {
  return Object.keys(table).find((key) => table[key] === value)!;
}

type Keys<T> = (keyof T & string)[];

const share = z.number().gt(0).lt(1);

/** The fields that are read; the defaults are those of DDPMScheduler, and of the first that has them. */
const SchedulerJson = z.object({
  num_train_timesteps: z.int().min(1).default(1000),
  beta_start: share.default(0.0001),
  beta_end: share.default(0.02),
  beta_schedule: z.enum(Object.keys(KINDS) as Keys<typeof KINDS>).default('linear'),
  trained_betas: z.null().default(null),
  prediction_type: z
    .enum(Object.keys(PREDICTION_TYPES) as Keys<typeof PREDICTION_TYPES>)
    .default('epsilon'),
  rescale_betas_zero_snr: z.boolean().default(false),
  variance_type: z
    .enum(['fixed_small', 'fixed_small_log', 'fixed_large'])
    .nullable()
    .default('fixed_small'),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().gt(0).default(1),
  timestep_spacing: z.enum(['leading', 'trailing', 'linspace']).default('leading'),
  steps_offset: z.int().min(0).default(0),
  thresholding: z.boolean().default(false),
  dynamic_thresholding_ratio: z.number().gt(0).max(1).default(0.995),
  sample_max_value: z.number().min(1).default(1),
  solver_order: z.literal([1, 2, 3]).default(2),
  solver_type: z.string().default('bh2'),
  algorithm_type: z.string().default('dpmsolver++'),
  use_karras_sigmas: z.boolean().nullable().default(false),
  skip_prk_steps: z.boolean().default(false),
  set_alpha_to_one: z.boolean().nullable().default(null),
});
type SchedulerFields = z.infer<typeof SchedulerJson>;

/**
 * Reads a `scheduler_config.json`. Absent fields take the defaults of its class; a scheduler of a class
 * that is not known must say its betas itself, since defaults differ.
 *
 * @throws UserError that names the field, its value and what is supported
 */
export function parseSchedulerConfig(
  json: unknown,
  where: string,
): { schedule: ScheduleConfig; sampling: SamplingConfig; warnings: string[] } {
  if (!isRecord(json)) throw new UserError(`${where} must hold a JSON object, not ${show(json)}.`);
  const name = String(json._class_name ?? 'DDPMScheduler');
  const known = SCHEDULER_CLASSES[name];
  const read = parseWith(SchedulerJson, { ...known?.defaults, ...json }, where);
  if (!known) checkBetas(json, name, where);
  const warnings = known
    ? [...unknownWays(json, known, where), ...algorithmWarning(read, known.solver, where)]
    : [
        `${where}: ${name} is not known here; samples are drawn with DDIM where no solver is chosen.`,
      ];
  return {
    schedule: {
      kind: KINDS[read.beta_schedule],
      timesteps: read.num_train_timesteps,
      betaStart: read.beta_start,
      betaEnd: read.beta_end,
      zeroTerminalSnr: read.rescale_betas_zero_snr,
      prediction: PREDICTION_TYPES[read.prediction_type],
    },
    sampling: {
      solver: known ? solverOf(read, known.solver) : null,
      varianceType: read.variance_type === 'fixed_large' ? 'fixed_large' : 'fixed_small',
      clipSample: read.clip_sample,
      clipSampleRange: read.clip_sample_range,
      timestepSpacing: read.timestep_spacing,
      stepsOffset: read.steps_offset,
      threshold: read.thresholding
        ? { ratio: read.dynamic_thresholding_ratio, max: read.sample_max_value }
        : null,
      order: read.solver_order,
      bh: BHS.find((bh) => bh === read.solver_type) ?? 'bh2',
      karras: read.use_karras_sigmas ?? false,
      skipPrk: read.skip_prk_steps,
      alphaToOne: read.set_alpha_to_one,
    },
    warnings,
  };
}

function checkBetas(json: Readonly<Record<string, unknown>>, name: string, where: string): void {
  for (const key of ['beta_start', 'beta_end', 'beta_schedule']) {
    if (key in json) continue;
    throw new UserError(
      `${where}: ${key} is missing, and a ${name} has its own default; write it into the file.`,
    );
  }
}

/** DPMSolverMultistepScheduler is two solvers by its algorithm_type. */
function solverOf({ algorithm_type: algorithm }: SchedulerFields, solver: SolverName): SolverName {
  return solver === 'dpmsolver++' && algorithm.startsWith('sde-') ? 'sde-dpmsolver++' : solver;
}

function algorithmWarning(read: SchedulerFields, solver: SolverName, where: string): string[] {
  const { algorithm_type: algorithm } = read;
  if (solver !== 'dpmsolver++' || algorithm.endsWith('++')) return [];
  return [
    `${where}: algorithm_type is "${algorithm}", which is not done here; samples are drawn with ` +
      `"${solverOf(read, solver)}".`,
  ];
}
