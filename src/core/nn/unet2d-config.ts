import { z } from 'zod';
import { UserError } from '../base/errors';
import { isRecord, parseWith, show } from '../base/schema';

/** Down blocks that are built here, from the outermost level inwards. */
export const DOWN_BLOCK_TYPES = [
  'DownBlock2D',
  'AttnDownBlock2D',
  'ResnetDownsampleBlock2D',
] as const;
/** Up blocks that are built here, from the innermost level outwards. */
export const UP_BLOCK_TYPES = ['UpBlock2D', 'AttnUpBlock2D', 'ResnetUpsampleBlock2D'] as const;

const size = z.int().min(1);

/** How a level with attention halves or doubles the image. */
const resampling = z.enum(['conv', 'resnet']).default('conv');

/**
 * The configuration of a U-Net, key for key that of `UNet2DModel` in the diffusers library
 * (0.42), with its defaults. Keys are as in its `config.json`.
 */
export const UNet2DConfig = z.object({
  sample_size: z
    .union([size, z.tuple([size, size])])
    .nullable()
    .default(null)
    .describe('Side of the images in pixels, or [height, width].'),
  in_channels: size.default(3).describe('Channels of the noisy image.'),
  out_channels: size.default(3).describe('Channels of the prediction.'),
  center_input_sample: z
    .boolean()
    .default(false)
    .describe('Whether the net maps its input from [0, 1] to [−1, 1] first.'),
  time_embedding_type: z
    .enum(['positional', 'fourier', 'learned'])
    .default('positional')
    .describe('Sinusoids of t, sinusoids of log t at random frequencies, or a row for each t.'),
  time_embedding_dim: size
    .nullable()
    .default(null)
    .describe('Width of the time embedding; null: 4 × the first of block_out_channels.'),
  freq_shift: z.number().default(0).describe('Taken off the divisor of the time frequencies.'),
  flip_sin_to_cos: z.boolean().default(true).describe('Cosines before sines.'),
  down_block_types: z
    .array(z.enum(DOWN_BLOCK_TYPES))
    .min(1)
    .default(['DownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D']),
  mid_block_type: z
    .literal('UNetMidBlock2D')
    .nullable()
    .default('UNetMidBlock2D')
    .describe('null: no middle block.'),
  up_block_types: z
    .array(z.enum(UP_BLOCK_TYPES))
    .min(1)
    .default(['AttnUpBlock2D', 'AttnUpBlock2D', 'AttnUpBlock2D', 'UpBlock2D']),
  block_out_channels: z.array(size).min(1).default([224, 448, 672, 896]),
  layers_per_block: size.default(2).describe('Resnets a down block; an up block has one more.'),
  mid_block_scale_factor: z
    .number()
    .gt(0)
    .default(1)
    .describe('Divisor of the outputs of the middle block’s resnets and attention.'),
  downsample_padding: z
    .union([z.literal(0), z.literal(1)])
    .default(1)
    .describe('0 pads right and bottom only.'),
  downsample_type: resampling.describe('Of AttnDownBlock2D alone.'),
  upsample_type: resampling.describe('Of AttnUpBlock2D alone.'),
  dropout: z.number().min(0).lt(1).default(0),
  act_fn: z
    .enum(['silu', 'swish', 'relu', 'gelu', 'mish'])
    .default('silu')
    .describe('swish is silu.'),
  attention_head_dim: size.nullable().default(8).describe('Channels a head; null: one head.'),
  norm_num_groups: size.default(32),
  attn_norm_num_groups: size
    .nullable()
    .default(null)
    .describe(
      'Groups of the middle attention’s norm. null: norm_num_groups with time scale shift ' +
        '"default", and no norm there with "scale_shift".',
    ),
  norm_eps: z.number().gt(0).default(1e-5),
  resnet_time_scale_shift: z.enum(['default', 'scale_shift']).default('default'),
  add_attention: z.boolean().default(true).describe('Attention in the middle block.'),
  class_embed_type: z
    .enum(['timestep', 'identity'])
    .nullable()
    .default(null)
    .describe('null: a row for each class, where num_class_embeds says how many.'),
  num_class_embeds: size.nullable().default(null).describe('Rows of the class embedding, if any.'),
  num_train_timesteps: size
    .nullable()
    .default(null)
    .describe('Rows of the learned time embedding.'),
});
export type UNet2DConfig = z.infer<typeof UNet2DConfig>;

/**
 * Reads the JSON of a `config.json`. Absent keys take the library's defaults; keys that start with
 * an underscore are the library's notes and are passed over.
 *
 * @param where the file, as it is named in errors and warnings
 * @returns the configuration, and a sentence for each unknown key
 * @throws UserError that names the key, its value and what is supported
 */
export function parseUNet2DConfig(
  json: unknown,
  where: string,
): { config: UNet2DConfig; warnings: string[] } {
  if (!isRecord(json)) throw new UserError(`${where} must hold a JSON object, not ${show(json)}.`);
  const className = json._class_name;
  if (className !== undefined && className !== 'UNet2DModel') {
    throw new UserError(
      `${where} describes a ${show(className)}, but only "UNet2DModel" can be read here.`,
    );
  }
  const config = parseWith(UNet2DConfig, inTodaysWords(json), where);
  checkUNet2DConfig(config, where);
  const warnings = Object.keys(json)
    .filter((key) => !key.startsWith('_') && !(key in UNet2DConfig.shape))
    .map((key) => `${where}: the key ${key} is not known and was passed over.`);
  return { config, warnings };
}

/**
 * A configuration with what the library reads as the same put the same way: blocks had names that
 * began with UNetRes in its first versions, and a null type of resampling is its default.
 */
function inTodaysWords(json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const blocks = (names: unknown): unknown =>
    Array.isArray(names)
      ? names.map((name: unknown) =>
          typeof name === 'string' ? name.replace(/^UNetRes(?=[A-Z])/, '') : name,
        )
      : names;
  const words: Record<string, unknown> = { ...json };
  for (const key of ['down_block_types', 'up_block_types']) {
    if (key in words) words[key] = blocks(words[key]);
  }
  for (const key of ['downsample_type', 'upsample_type']) words[key] ??= 'conv';
  return words;
}

/**
 * Checks what no key can say alone: list lengths and divisibility.
 *
 * @throws UserError, one sentence
 */
export function checkUNet2DConfig(config: UNet2DConfig, where: string): void {
  const fail = (sentence: string): never => {
    throw new UserError(`${where}: ${sentence}.`);
  };
  const { block_out_channels: channels, norm_num_groups: groups } = config;
  const levels = channels.length;
  for (const key of ['down_block_types', 'up_block_types'] as const) {
    const given = config[key].length;
    if (given !== levels) {
      fail(
        `${key} has ${given} entries and block_out_channels ${levels}; give both the same number`,
      );
    }
  }
  const indivisible = channels.find((count) => count % groups !== 0);
  if (indivisible !== undefined) {
    fail(
      `block_out_channels has ${indivisible}, which norm_num_groups ${groups} does not divide; ` +
        'choose fewer groups or other channels',
    );
  }
  if (channels[0]! % 2 !== 0) {
    fail(`block_out_channels[0] is ${channels[0]}; the time embedding needs an even number`);
  }
  if (config.freq_shift >= channels[0]! / 2) {
    fail(`freq_shift is ${config.freq_shift}; it must be below half of block_out_channels[0]`);
  }
  if (config.time_embedding_type === 'learned' && config.num_train_timesteps === null) {
    fail('time_embedding_type is "learned"; that needs num_train_timesteps');
  }
  checkAttention(config, fail);
  checkSampleSize(config, fail);
}

function checkAttention(config: UNet2DConfig, fail: (sentence: string) => never): void {
  const { attention_head_dim: headDim, attn_norm_num_groups: groups, block_out_channels } = config;
  const middle = block_out_channels.at(-1)!;
  if (hasMiddleAttention(config) && groups !== null && middle % groups !== 0) {
    fail(
      `attn_norm_num_groups ${groups} does not divide the ${middle} channels of the middle block; ` +
        'choose a divisor',
    );
  }
  if (headDim === null) return;
  const attended = block_out_channels.filter(
    (_, level) =>
      config.down_block_types[level] === 'AttnDownBlock2D' ||
      config.up_block_types.at(-1 - level) === 'AttnUpBlock2D' ||
      (level === block_out_channels.length - 1 && hasMiddleAttention(config)),
  );
  const narrow = attended.find((count) => count < headDim);
  if (narrow !== undefined) {
    fail(
      `attention_head_dim ${headDim} is more than the ${narrow} channels of a level with ` +
        'attention; choose at most that, or null for one head',
    );
  }
}

/** Whether the middle block is there and attends. */
export function hasMiddleAttention(config: UNet2DConfig): boolean {
  return config.mid_block_type !== null && config.add_attention;
}

/** Width of the time's and the class's embedding. */
export function embeddingWidth(config: UNet2DConfig): number {
  return config.time_embedding_dim ?? 4 * config.block_out_channels[0]!;
}

/** Class labels 0 … 999 where a net embeds them as it embeds timesteps and does not say how many. */
const UNSPECIFIED_CLASSES = 1000;

/**
 * How many numbers an image's class comes as: one-hot over the classes, or, for `class_embed_type`
 * "identity", the embedding itself. Null for a net without classes.
 */
export function classWidth(config: UNet2DConfig): number | null {
  switch (config.class_embed_type) {
    case 'identity':
      return embeddingWidth(config);
    case 'timestep':
      return config.num_class_embeds ?? UNSPECIFIED_CLASSES;
    case null:
      return config.num_class_embeds;
  }
}

function checkSampleSize(config: UNet2DConfig, fail: (sentence: string) => never): void {
  const multiple = sizeMultiple(config.block_out_channels.length);
  const sizes = [config.sample_size ?? []].flat();
  const wrong = sizes.find((side) => side % multiple !== 0);
  if (wrong !== undefined) {
    const levels = config.block_out_channels.length;
    fail(
      `sample_size is ${show(config.sample_size)}; with ${levels} levels each side must be a ` +
        `multiple of ${multiple}`,
    );
  }
}

/** What the sides of an image must be a multiple of: every level but the last halves them. */
export function sizeMultiple(levels: number): number {
  return 2 ** (levels - 1);
}

/** What {@link smallUNet} needs to know. */
export interface SmallUNetOptions {
  /** Side of the square images in pixels. */
  readonly sampleSize: number;
  /** Channels of the images, 1 or 3. */
  readonly channels: number;
  /** Takes an estimate of the clean image beside the noisy one. Default false. */
  readonly selfCondition?: boolean;
  /** Channels of each level, the outermost first. */
  readonly blockOutChannels: readonly number[];
  readonly layersPerBlock: number;
  /** Whether each level has attention; the middle block has it if any level has. */
  readonly attention: readonly boolean[];
  /** Number of classes, for a net with class labels. */
  readonly numClassEmbeds?: number | null;
  /** Channels a head; null for one head. 8 if left out. */
  readonly attentionHeadDim?: number | null;
  readonly dropout?: number;
  readonly timeScaleShift?: UNet2DConfig['resnet_time_scale_shift'];
}

/**
 * A whole configuration from a few numbers. The groups of the norms are the largest power of two up
 * to 32 that leaves every level at least two channels a group.
 *
 * @throws UserError when the numbers do not fit together
 */
export function smallUNet(options: SmallUNetOptions, where = 'model'): UNet2DConfig {
  const { blockOutChannels, attention } = options;
  if (attention.length !== blockOutChannels.length) {
    throw new UserError(
      `${where}: attention has ${attention.length} entries and blockOutChannels ` +
        `${blockOutChannels.length}; give both the same number.`,
    );
  }
  const json = {
    sample_size: options.sampleSize,
    in_channels: (options.selfCondition ? 2 : 1) * options.channels,
    out_channels: options.channels,
    block_out_channels: blockOutChannels,
    layers_per_block: options.layersPerBlock,
    down_block_types: attention.map((on) => (on ? 'AttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: attention.map((on) => (on ? 'AttnUpBlock2D' : 'UpBlock2D')).reverse(),
    add_attention: attention.some((on) => on),
    attention_head_dim: options.attentionHeadDim,
    norm_num_groups: largestGroupCount(blockOutChannels),
    dropout: options.dropout,
    resnet_time_scale_shift: options.timeScaleShift,
    num_class_embeds: options.numClassEmbeds,
  };
  const config = parseWith(UNet2DConfig, json, where);
  checkUNet2DConfig(config, where);
  return config;
}

function largestGroupCount(channels: readonly number[]): number {
  const fits = (groups: number) => channels.every((count) => count % (2 * groups) === 0);
  return [32, 16, 8, 4, 2].find(fits) ?? 1;
}
