import type { Tensor } from '../graph/ops';
import { activation, attention, type Layers } from './layers';
import { embedClass, embedTime } from './unet2d-conditioning';
import { hasMiddleAttention, type UNet2DConfig } from './unet2d-config';

/** What a noise-prediction model is given. */
export interface ModelInputs {
  /** x_t `[N, C, H, W]`. */
  readonly sample: Tensor;
  /** The last estimate of x0 `[N, C, H, W]`, for a net that is conditioned on it. */
  readonly condition?: Tensor;
  /** t `[N]`, 0 … T−1. */
  readonly timesteps: Tensor;
  /** Classes `[N, classWidth(config)]`, one-hot, for a class-conditional model. */
  readonly classes: Tensor | null;
}

/** Changes the size of an image between two layers. */
type Resample = (x: Tensor) => Tensor;

interface ResidualOptions {
  /** Divisor of the block's output. */
  readonly scale?: number;
  /** Applied to the input, and to what goes into the first convolution. */
  readonly resample?: Resample;
}

function residualBlock(
  l: Layers,
  x: Tensor,
  temb: Tensor,
  out: number,
  config: UNet2DConfig,
  { scale = 1, resample = (image) => image }: ResidualOptions = {},
): Tensor {
  const { g } = l;
  const { norm_num_groups: groups, norm_eps: eps, act_fn: act } = config;
  const shifted = config.resnet_time_scale_shift === 'scale_shift';
  const perChannel = (t: Tensor) => g.reshape(t, [t.shape[0]!, out, 1, 1]);
  let h = resample(activation(g, act, l.at('norm1').groupNorm(x, groups, eps)));
  h = l.at('conv1').conv(h, out);
  const width = shifted ? 2 * out : out;
  const time = l.at('time_emb_proj').linear(activation(g, act, temb), width);
  if (shifted) {
    const [gain, bias] = [g.slice(time, 1, 0, out), g.slice(time, 1, out, width)].map(perChannel);
    h = l.at('norm2').groupNorm(h, groups, eps);
    h = g.add(g.mul(h, g.add(gain!, 1)), bias!);
  } else {
    h = l.at('norm2').groupNorm(g.add(h, perChannel(time)), groups, eps);
  }
  h = l.dropout(activation(g, act, h), config.dropout);
  h = l.at('conv2').conv(h, out);
  const input = resample(x);
  const skip = x.shape[1] === out ? input : l.at('conv_shortcut').conv(input, out, { kernel: 1 });
  const sum = g.add(skip, h);
  return scale === 1 ? sum : g.mul(sum, 1 / scale);
}

interface AttentionOptions {
  readonly headDim: number | null;
  /** Null: no normalisation before the projections. */
  readonly groups: number | null;
  readonly scale?: number;
}

/** Self-attention over the pixels of x, row by row, with a residual connection. */
function attentionBlock(
  l: Layers,
  x: Tensor,
  config: UNet2DConfig,
  { headDim, groups, scale = 1 }: AttentionOptions,
): Tensor {
  const { g } = l;
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const tokens = height * width;
  const heads = Math.floor(channels / (headDim ?? channels));
  const inner = heads * (headDim ?? channels);
  const normed = groups === null ? x : l.at('group_norm').groupNorm(x, groups, config.norm_eps);
  const rows = g.reshape(g.transpose(g.reshape(normed, [n, channels, tokens]), [0, 2, 1]), [
    n * tokens,
    channels,
  ]);
  const project = (name: string) => g.reshape(l.at(name).linear(rows, inner), [n, tokens, inner]);
  const mixed = attention(g, project('to_q'), project('to_k'), project('to_v'), heads);
  const out = l.at('to_out.0').linear(g.reshape(mixed, [n * tokens, inner]), channels);
  const image = g.transpose(g.reshape(out, [n, tokens, channels]), [0, 2, 1]);
  const sum = g.add(g.reshape(image, x.shape), x);
  return scale === 1 ? sum : g.mul(sum, 1 / scale);
}

/** Halves the image and returns it, in the way of the level's block. */
function downsample(l: Layers, x: Tensor, temb: Tensor, level: number, config: UNet2DConfig) {
  const { g } = l;
  const channels = config.block_out_channels[level]!;
  if (resamplesByResnet(config.down_block_types[level]!, config.downsample_type)) {
    const resample = (image: Tensor) => g.mul(g.sumPool(image), 1 / 4);
    return residualBlock(l, x, temb, channels, config, { resample });
  }
  const pads = config.downsample_padding === 0 ? ([0, 0, 1, 1] as const) : undefined;
  return l.at('conv').conv(x, channels, { stride: 2, pads });
}

/** Doubles the image, in the way of the block; `index` counts the up blocks from the innermost. */
function upsample(l: Layers, x: Tensor, temb: Tensor, index: number, config: UNet2DConfig) {
  const { g } = l;
  const channels = config.block_out_channels.at(-1 - index)!;
  if (resamplesByResnet(config.up_block_types[index]!, config.upsample_type)) {
    return residualBlock(l, x, temb, channels, config, { resample: g.upsampleNearest });
  }
  return l.at('conv').conv(g.upsampleNearest(x), channels);
}

/** `downsample_type` and `upsample_type` are heard by blocks with attention alone. */
function resamplesByResnet(
  block: UNet2DConfig['down_block_types' | 'up_block_types'][number],
  type: 'conv' | 'resnet',
): boolean {
  return block.startsWith('Resnet') || (block.startsWith('Attn') && type === 'resnet');
}

function downBlocks(l: Layers, x: Tensor, temb: Tensor, config: UNet2DConfig): Tensor[] {
  const levels = config.block_out_channels.length;
  const skips = [x];
  config.block_out_channels.forEach((channels, i) => {
    const block = l.at(`down_blocks.${i}`);
    const attentive = config.down_block_types[i] === 'AttnDownBlock2D';
    for (let j = 0; j < config.layers_per_block; j++) {
      let h = residualBlock(block.at(`resnets.${j}`), skips.at(-1)!, temb, channels, config);
      if (attentive) h = attentionIn(block.at(`attentions.${j}`), h, config);
      skips.push(h);
    }
    if (i === levels - 1) return;
    skips.push(downsample(block.at('downsamplers.0'), skips.at(-1)!, temb, i, config));
  });
  return skips;
}

function attentionIn(l: Layers, h: Tensor, config: UNet2DConfig): Tensor {
  const { attention_head_dim: headDim, norm_num_groups: groups } = config;
  return attentionBlock(l, h, config, { headDim, groups });
}

function middleBlock(l: Layers, x: Tensor, temb: Tensor, config: UNet2DConfig): Tensor {
  if (config.mid_block_type === null) return x;
  const channels = config.block_out_channels.at(-1)!;
  const scale = config.mid_block_scale_factor;
  const middle = l.at('mid_block');
  let h = residualBlock(middle.at('resnets.0'), x, temb, channels, config, { scale });
  if (hasMiddleAttention(config)) {
    const plain = config.resnet_time_scale_shift === 'default';
    const groups = config.attn_norm_num_groups ?? (plain ? config.norm_num_groups : null);
    const headDim = config.attention_head_dim;
    h = attentionBlock(middle.at('attentions.0'), h, config, { headDim, groups, scale });
  }
  return residualBlock(middle.at('resnets.1'), h, temb, channels, config, { scale });
}

function upBlocks(l: Layers, x: Tensor, skips: Tensor[], temb: Tensor, config: UNet2DConfig) {
  const { g } = l;
  const levels = config.block_out_channels.length;
  let h = x;
  [...config.block_out_channels].reverse().forEach((channels, i) => {
    const block = l.at(`up_blocks.${i}`);
    const attentive = config.up_block_types[i] === 'AttnUpBlock2D';
    for (let j = 0; j <= config.layers_per_block; j++) {
      const joined = g.concat([h, skips.pop()!], 1);
      h = residualBlock(block.at(`resnets.${j}`), joined, temb, channels, config);
      if (attentive) h = attentionIn(block.at(`attentions.${j}`), h, config);
    }
    if (i < levels - 1) {
      h = upsample(block.at('upsamplers.0'), h, temb, i, config);
    }
  });
  return h;
}

/**
 * The U-Net of Ho et al. (2020), Appendix B, layer for layer and name for name the `UNet2DModel` of
 * the diffusers library. A net with a Fourier time embedding divides its prediction by t, as a score
 * network does whose t is the noise's deviation (Song et al., 2021, Appendix H).
 *
 * @returns the prediction `[N, out_channels, H, W]`
 */
export function unet2d(l: Layers, inputs: ModelInputs, config: UNet2DConfig): Tensor {
  const { g } = l;
  const { norm_num_groups: groups, norm_eps: eps } = config;
  const { condition } = inputs;
  const given = condition ? g.concat([inputs.sample, condition], 1) : inputs.sample;
  const sample = config.center_input_sample ? g.sub(g.mul(given, 2), 1) : given;
  const time = embedTime(l, inputs.timesteps, config);
  const classes = embedClass(l, inputs.classes, config);
  const temb = classes === null ? time : g.add(time, classes);
  const first = l.at('conv_in').conv(sample, config.block_out_channels[0]!);
  const skips = downBlocks(l, first, temb, config);
  const middle = middleBlock(l, skips.at(-1)!, temb, config);
  const h = upBlocks(l, middle, skips, temb, config);
  const normed = l.at('conv_norm_out').groupNorm(h, groups, eps);
  const prediction = l.at('conv_out').conv(g.silu(normed), config.out_channels);
  if (config.time_embedding_type !== 'fourier') return prediction;
  return g.div(prediction, g.reshape(inputs.timesteps, [prediction.shape[0]!, 1, 1, 1]));
}
