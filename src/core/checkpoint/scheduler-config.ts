import { z } from 'zod';
import { UserError } from '../base/errors';
import { isRecord, parseWith, show } from '../base/schema';
import type { Prediction, ScheduleConfig, ScheduleKind } from '../config/training-config';

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
  readonly varianceType: 'fixed_small' | 'fixed_large';
  /** Whether each prediction of x0 is clipped to ±`clipSampleRange`. */
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  readonly timestepSpacing: 'leading' | 'trailing' | 'linspace';
  /** Added to the timesteps of 'leading' spacing. */
  readonly stepsOffset: number;
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

/** The fields that are read; the defaults are those of DDPMScheduler. */
const SchedulerJson = z.object({
  num_train_timesteps: z.int().min(1).default(1000),
  beta_start: z.number().gt(0).lt(1).default(0.0001),
  beta_end: z.number().gt(0).lt(1).default(0.02),
  beta_schedule: z.enum(Object.keys(KINDS) as Keys<typeof KINDS>).default('linear'),
  trained_betas: z.null().default(null),
  prediction_type: z
    .enum(Object.keys(PREDICTION_TYPES) as Keys<typeof PREDICTION_TYPES>)
    .default('epsilon'),
  rescale_betas_zero_snr: z.boolean().default(false),
  /** Null in the configurations of solvers that draw no noise. */
  variance_type: z
    .enum(['fixed_small', 'fixed_small_log', 'fixed_large'])
    .nullable()
    .default('fixed_small'),
  clip_sample: z.boolean().default(true),
  clip_sample_range: z.number().gt(0).default(1),
  timestep_spacing: z.enum(['leading', 'trailing', 'linspace']).default('leading'),
  steps_offset: z.int().min(0).default(0),
  thresholding: z.boolean().default(false),
});

/** Classes whose defaults are those of DDPMScheduler for the fields that are read. */
const LIKE_DDPM = new Set(['DDPMScheduler', 'DDIMScheduler']);

/**
 * Reads a `scheduler_config.json`. Absent fields take DDPMScheduler's defaults; a scheduler of
 * another class must say its betas itself, since defaults differ.
 *
 * @throws UserError that names the field, its value and what is supported
 */
export function parseSchedulerConfig(
  json: unknown,
  where: string,
): { schedule: ScheduleConfig; sampling: SamplingConfig; warnings: string[] } {
  if (!isRecord(json)) throw new UserError(`${where} must hold a JSON object, not ${show(json)}.`);
  const read = parseWith(SchedulerJson, json, where);
  if (!LIKE_DDPM.has(String(json._class_name ?? 'DDPMScheduler'))) {
    for (const key of ['beta_start', 'beta_end', 'beta_schedule']) {
      if (!(key in json)) {
        throw new UserError(
          `${where}: ${key} is missing, and a ${String(json._class_name)} has its own default; ` +
            'write it into the file.',
        );
      }
    }
  }
  const warnings = read.thresholding
    ? [`${where}: thresholding is true, but samples are clipped here instead.`]
    : [];
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
      varianceType: read.variance_type === 'fixed_large' ? 'fixed_large' : 'fixed_small',
      clipSample: read.clip_sample,
      clipSampleRange: read.clip_sample_range,
      timestepSpacing: read.timestep_spacing,
      stepsOffset: read.steps_offset,
    },
    warnings,
  };
}
