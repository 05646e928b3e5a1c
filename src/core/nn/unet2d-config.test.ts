import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../base/errors';
import { parseUNet2DConfig, smallUNet } from './unet2d-config';

const FIXTURES = path.resolve(import.meta.dirname, '../../../test/fixtures/checkpoint');
const readFixture = (name: string): unknown =>
  JSON.parse(readFileSync(path.join(FIXTURES, name), 'utf8'));

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('no error was thrown');
}

describe('parseUNet2DConfig', () => {
  it('has the keys and defaults of diffusers’ UNet2DModel', () => {
    const defaults = Object.entries(readFixture('unet-defaults.json') as object);
    const own = defaults.filter(([key]) => !key.startsWith('_'));
    expect(parseUNet2DConfig({}, 'c').config).toEqual(Object.fromEntries(own));
  });

  it('reads what diffusers saved, and warns of unknown keys', () => {
    const saved = readFixture('pipeline/unet/config.json') as object;
    expect(parseUNet2DConfig(saved, 'c').warnings).toEqual([]);
    const { config, warnings } = parseUNet2DConfig({ ...saved, horse: 1 }, 'c.json');
    expect(config).toMatchObject({ block_out_channels: [8, 16], norm_num_groups: 4 });
    expect(config).not.toHaveProperty('horse');
    expect(warnings).toEqual(['c.json: the key horse is not known and was passed over.']);
  });

  it.each<[Record<string, unknown>, string]>([
    [
      { time_embedding_type: 'rotary' },
      'c: time_embedding_type is "rotary"; it must be one of positional, fourier or learned.',
    ],
    [
      { time_embedding_type: 'learned' },
      'c: time_embedding_type is "learned"; that needs num_train_timesteps.',
    ],
    [{ downsample_type: 'fir' }, 'c: downsample_type is "fir"; it must be conv or resnet.'],
    [
      { class_embed_type: 'projection' },
      'c: class_embed_type is "projection"; it must be timestep or identity or null.',
    ],
    [
      { mid_block_type: 'UNetMidBlock2DCrossAttn' },
      'c: mid_block_type is "UNetMidBlock2DCrossAttn"; it must be UNetMidBlock2D or null.',
    ],
    [{ act_fn: 'tanh' }, 'c: act_fn is "tanh"; it must be one of silu, swish, relu, gelu or mish.'],
    [
      { down_block_types: ['DownBlock2D', 'SkipDownBlock2D'] },
      'c: down_block_types[1] is "SkipDownBlock2D"; it must be one of DownBlock2D, AttnDownBlock2D or ResnetDownsampleBlock2D.',
    ],
    [{ downsample_padding: 2 }, 'c: downsample_padding is 2; it must be 0 or 1.'],
    [{ norm_eps: '1e-5' }, 'c: norm_eps is "1e-5"; it must be a number above 0.'],
    [
      { block_out_channels: [32, 64] },
      'c: down_block_types has 4 entries and block_out_channels 2; give both the same number.',
    ],
    [
      { norm_num_groups: 5 },
      'c: block_out_channels has 224, which norm_num_groups 5 does not divide; choose fewer groups or other channels.',
    ],
    [
      { attention_head_dim: 500 },
      'c: attention_head_dim 500 is more than the 448 channels of a level with attention; choose at most that, or null for one head.',
    ],
    [
      { attn_norm_num_groups: 5 },
      'c: attn_norm_num_groups 5 does not divide the 896 channels of the middle block; choose a divisor.',
    ],
    [{ sample_size: 28 }, 'c: sample_size is 28; with 4 levels each side must be a multiple of 8.'],
    [
      { _class_name: 'UNet2DConditionModel' },
      'c describes a "UNet2DConditionModel", but only "UNet2DModel" can be read here.',
    ],
  ])('refuses %j', (json, sentence) => {
    expect(messageOf(() => parseUNet2DConfig(json, 'c'))).toBe(sentence);
  });
});

it('takes the names and nulls of older configurations for today’s', () => {
  const old = {
    down_block_types: ['UNetResDownBlock2D', 'UNetResAttnDownBlock2D'],
    up_block_types: ['UNetResAttnUpBlock2D', 'UNetResUpBlock2D'],
    block_out_channels: [32, 64],
    downsample_type: null,
  };
  expect(parseUNet2DConfig(old, 'c').config).toMatchObject({
    down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
    up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
    downsample_type: 'conv',
  });
});

describe('smallUNet', () => {
  const options = {
    sampleSize: 16,
    channels: 1,
    blockOutChannels: [16, 32, 32],
    layersPerBlock: 2,
    attention: [false, false, true],
  };

  it('mirrors the attention levels and chooses the norm groups', () => {
    expect(smallUNet(options)).toMatchObject({
      sample_size: 16,
      in_channels: 1,
      out_channels: 1,
      down_block_types: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
      norm_num_groups: 8,
      add_attention: true,
      num_class_embeds: null,
    });
  });

  it.each([
    [[64, 128, 128], 32],
    [[32, 64, 64], 16],
    [[20, 40], 2],
    [[6, 10], 1],
  ])('gives %j norms of %i groups', (blockOutChannels, groups) => {
    const attention = blockOutChannels.map(() => false);
    const config = smallUNet({ ...options, blockOutChannels, attention });
    expect(config.norm_num_groups).toBe(groups);
    expect(config.add_attention).toBe(false);
  });

  it('refuses an attention list of another length', () => {
    expect(messageOf(() => smallUNet({ ...options, attention: [true] }))).toBe(
      'model: attention has 1 entries and blockOutChannels 3; give both the same number.',
    );
  });
});
