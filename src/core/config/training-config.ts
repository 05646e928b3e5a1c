import { z } from 'zod';
import { FEWEST_EVALUATED, MOST_EVALUATED } from '../base/evaluation-cost';

/** How the noise grows from x0 to xT. */
export const SCHEDULE_KINDS = ['linear', 'scaled_linear', 'cosine', 'sigmoid'] as const;
/** What the net predicts: the noise, the velocity, or the clean image. */
export const PREDICTIONS = ['eps', 'v', 'x0'] as const;
export const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml', 'tensorflow'] as const;

const count = z.int().min(1);
const countOrNever = z.int().min(0);

const UNetModel = z
  .strictObject({
    type: z.literal('unet').describe('A U-Net, as UNet2DModel in the diffusers library.'),
    blockOutChannels: z
      .array(z.int().min(2).max(4096))
      .min(1)
      .max(8)
      .default([32, 64, 64])
      .describe(
        'Channels of each level, the outermost first; each level but the last halves the image.',
      ),
    layersPerBlock: z.int().min(1).max(8).default(2).describe('Residual blocks a level.'),
    attention: z
      .array(z.boolean())
      .min(1)
      .max(8)
      .default([false, false, true])
      .describe('Whether each level has self-attention, the outermost first.'),
    attentionHeadDim: count
      .nullable()
      .default(8)
      .describe('Channels of an attention head; null for one head.'),
    dropout: z.number().min(0).lt(1).default(0).describe('Dropout in the residual blocks.'),
    timeScaleShift: z
      .enum(['default', 'scale_shift'])
      .default('default')
      .describe('How the timestep enters a residual block: added, or as a scale and a shift.'),
    selfCondition: z
      .boolean()
      .default(false)
      .describe(
        'Give the net its last estimate of the image beside the noisy one, in training for half of the ' +
          'batches; DDPMPipeline of the diffusers library samples only nets without.',
      ),
  })
  .describe('A U-Net.');

const TutorialModel = z
  .strictObject({
    type: z.literal('tutorial-cnn').describe('The small plain network of the tutorial, repaired.'),
    hiddenChannels: z
      .array(z.int().min(2).max(4096))
      .min(1)
      .max(8)
      .default([32, 64, 32])
      .describe('Channels of its hidden convolutions, in order.'),
  })
  .describe('The small plain network of the tutorial.');

const Schedule = z.strictObject({
  kind: z
    .enum(SCHEDULE_KINDS)
    .default('cosine')
    .describe('How the noise grows over the timesteps.'),
  timesteps: z
    .int()
    .min(2)
    .max(4000)
    .default(1000)
    .describe('Number of timesteps T that noise is added in.'),
  betaStart: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.0001)
    .describe('Variance of the noise at the first timestep; the cosine schedule ignores it.'),
  betaEnd: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.02)
    .describe('Variance of the noise at the last timestep; the cosine schedule ignores it.'),
  zeroTerminalSnr: z
    .boolean()
    .default(false)
    .describe('Rescale the schedule so that nothing of the image is left at the last timestep.'),
  prediction: z
    .enum(PREDICTIONS)
    .default('eps')
    .describe('What the net predicts: the noise eps, the velocity v or the clean image x0.'),
});

const Adam = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe('Decay of the mean of the gradients.'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('Decay of the mean of their squares.'),
  eps: z.number().gt(0).default(1e-8).describe('Added to the divisor of each update.'),
});

const Training = z.strictObject({
  steps: count.default(5000).describe('Number of optimiser steps.'),
  maxSeconds: z
    .number()
    .gt(0)
    .nullable()
    .default(null)
    .describe('Stop after this many seconds, with a checkpoint; null for no limit.'),
  batchSize: z.int().min(1).max(65536).default(64).describe('Images a batch.'),
  accumulate: z
    .int()
    .min(1)
    .max(1024)
    .default(1)
    .describe('Batches whose gradients are averaged in one step.'),
  lr: z.number().gt(0).lt(10).default(5e-4).describe('Learning rate after the warm-up.'),
  lrSchedule: z
    .enum(['cosine', 'constant', 'linear'])
    .default('cosine')
    .describe('How the learning rate goes on after the warm-up.'),
  lrFinal: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('Share of lr that is left at the last step of a cosine or linear schedule.'),
  warmupSteps: countOrNever
    .default(250)
    .describe('Steps in which the learning rate grows from 0; fewer than steps.'),
  adam: Adam.prefault({}).describe('AdamW’s own settings.'),
  weightDecay: z.number().min(0).lt(1).default(0).describe('Weight decay of AdamW.'),
  clipGradNorm: z
    .number()
    .gt(0)
    .nullable()
    .default(1)
    .describe('Largest norm of all gradients together; null for no limit.'),
  freeze: z
    .array(z.string().min(1))
    .default([])
    .describe('Parameters that keep their values, by patterns such as down_blocks.*'),
  minSnrGamma: z
    .number()
    .gt(0)
    .nullable()
    .default(null)
    .describe('Weight the loss by min(SNR, gamma), 5 is usual; null weights all timesteps alike.'),
  noiseOffset: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'Strength of noise that is alike over a whole channel, so that very dark and very bright images ' +
        'are learnt; 0.1 is usual, 0 is off.',
    ),
  classDropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe('Share of images whose class is withheld, for guidance; 0 leaves no null class.'),
  emaDecay: z
    .number()
    .min(0)
    .lt(1)
    .default(0.999)
    .describe('Largest decay of the moving average of the weights that is sampled from; 0 is off.'),
  emaPower: z
    .number()
    .gt(0)
    .default(0.75)
    .describe('Power of the average’s warm-up: decay = 1 − (1 + step / emaInvGamma)^−emaPower.'),
  emaInvGamma: z.number().gt(0).default(1).describe('Inverse factor of the average’s warm-up.'),
  seed: countOrNever.default(0).describe('Seed of everything random.'),
  logEvery: count.default(1).describe('Steps between two lines of metrics.jsonl.'),
  checkpointEvery: countOrNever
    .default(500)
    .describe('Steps between two checkpoints; 0 for one at the end only.'),
  keepLast: count
    .nullable()
    .default(null)
    .describe(
      'Keep only so many of the last checkpoints; null keeps all. One with a file named keep in its ' +
        'folder stays.',
    ),
  keepBest: countOrNever
    .default(0)
    .describe(
      'Besides the last, keep so many checkpoints of the lowest loss, on held-out images with holdOut, ' +
        'else smoothed; with keepLast.',
    ),
  heldOutEvery: count
    .default(250)
    .describe('Steps between two measurements of the loss on held-out images, with holdOut.'),
  patience: count
    .nullable()
    .default(null)
    .describe(
      'End when the loss (on held-out images with holdOut, else smoothed) has not fallen for so many ' +
        'steps; null for never.',
    ),
  evaluateEvery: countOrNever
    .default(0)
    .describe(
      'Steps between two evaluations of samples against the data set, in the features of a small classifier; ' +
        '0 for none.',
    ),
  evaluateCount: z
    .int()
    .min(FEWEST_EVALUATED)
    .max(MOST_EVALUATED)
    .default(200)
    .describe('Samples of such an evaluation: more of them take longer and tell more.'),
  previewEvery: countOrNever.default(250).describe('Steps between two previews; 0 for none.'),
  previewCount: z.int().min(1).max(256).default(16).describe('Images in a preview.'),
  previewSteps: count.default(50).describe('DDIM steps of a preview, at most schedule.timesteps.'),
});

/**
 * All settings of a training run, as they are kept in a run's `run.json` and written by hand in a
 * settings file. Strict: an unknown key is an error.
 */
export const TrainingConfig = z.strictObject({
  dataset: z
    .string()
    .min(1)
    .describe('What to learn from: digits, a folder of images, or idx:<folder or images file>.'),
  from: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Begin from the weights of a run, a checkpoint or a diffusers folder; its net and noise schedule ' +
        'take the place of model and schedule.',
    ),
  imageSize: z
    .int()
    .min(4)
    .max(512)
    .optional()
    .describe('Side in pixels that images are brought to; left out: as the data set has it.'),
  channels: z
    .literal([1, 3])
    .optional()
    .describe('1 for grey, 3 for colour; left out: as the data set has it.'),
  resize: z
    .enum(['cover', 'contain', 'stretch'])
    .default('cover')
    .describe('How images that are not square are brought to size: cropped, padded or stretched.'),
  horizontalFlip: z.boolean().default(false).describe('Mirror half of the images, at random.'),
  holdOut: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      'Share of the images that are not learnt from, but measured on; 0.1 is usual, 0 is off.',
    ),
  classes: z
    .boolean()
    .default(false)
    .describe(
      'Learn the class labels too, so that images of a class can be asked for; DDPMPipeline of the ' +
        'diffusers library samples only nets without.',
    ),
  model: z.discriminatedUnion('type', [UNetModel, TutorialModel]).prefault({ type: 'unet' }),
  schedule: Schedule.prefault({}).describe('The forward process.'),
  training: Training.prefault({}).describe('The optimiser and the course of the run.'),
  device: z.enum(DEVICES).default('auto').describe('What computes; auto takes the fastest here.'),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .nullable()
    .default(null)
    .describe('CPU threads; null for as many as there are cores.'),
});
export type TrainingConfig = z.infer<typeof TrainingConfig>;
export type ModelSettings = TrainingConfig['model'];
export type UNetSettings = Extract<ModelSettings, { type: 'unet' }>;
export type ScheduleConfig = TrainingConfig['schedule'];
export type ScheduleKind = ScheduleConfig['kind'];
export type Prediction = ScheduleConfig['prediction'];
export type DeviceName = TrainingConfig['device'];
/** A settings file or preset: any part of a {@link TrainingConfig}. */
export type PartialTrainingConfig =
  z.input<typeof TrainingConfig> extends infer T ? DeepPartial<T> : never;

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> }
    : T;
