import { z } from 'zod';
import type { Tensor } from '../graph/ops';
import { timestepEmbedding, type Layers } from './layers';
import type { ModelInputs } from './unet2d';

/** The configuration of the tutorial's network, as it lies in a checkpoint's `config.json`. */
export const TutorialCnnConfig = z.object({
  sample_size: z.int().min(1),
  channels: z.union([z.literal(1), z.literal(3)]),
  hidden_channels: z.array(z.int().min(2)).min(1).default([32, 64, 32]),
});
export type TutorialCnnConfig = z.infer<typeof TutorialCnnConfig>;

/**
 * The network of introductory tutorials, made to work: 3×3 convolutions with ReLU between, all at
 * the image's size. The time enters each hidden layer as a bias a channel, made from a sinusoidal
 * embedding; tutorials add the number t to the pixels, which a convolution cannot make use of. The
 * last layer is linear: noise is not bounded, so that a tanh could never predict it.
 *
 * @returns the prediction `[N, channels, H, W]`
 */
export function tutorialCnn(l: Layers, inputs: ModelInputs, config: TutorialCnnConfig): Tensor {
  const { g } = l;
  let h = inputs.sample;
  config.hidden_channels.forEach((channels, i) => {
    const waves = timestepEmbedding(g, inputs.timesteps, channels - (channels % 2), 0, false);
    const bias = l.at(`time_${i + 1}`).linear(waves, channels);
    const image = l.at(`conv_${i + 1}`).conv(h, channels);
    h = g.relu(g.add(image, g.reshape(bias, [bias.shape[0]!, channels, 1, 1])));
  });
  return l.at('conv_out').conv(h, config.channels);
}
