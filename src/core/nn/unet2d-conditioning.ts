import type { Tensor } from '../graph/ops';
import { timestepEmbedding, type Layers } from './layers';
import { classWidth, embeddingWidth, type UNet2DConfig } from './unet2d-config';

/**
 * The time's embedding `[N, embeddingWidth(config)]`, by the names of diffusers' `UNet2DModel`:
 * `time_proj` where it has weights, and the two layers of `time_embedding`.
 *
 * @param timesteps `[N]`, 0 … T−1; above 0 for a Fourier embedding, which takes their logarithm
 */
export function embedTime(l: Layers, timesteps: Tensor, config: UNet2DConfig): Tensor {
  return perceptron(l.at('time_embedding'), projectTime(l, timesteps, config), config);
}

/**
 * The class's embedding `[N, embeddingWidth(config)]`, or null for a net without classes.
 *
 * @param classes `[N, classWidth(config)]`
 */
export function embedClass(l: Layers, classes: Tensor | null, config: UNet2DConfig): Tensor | null {
  const width = classWidth(config);
  if (width === null) return null;
  if (!classes) throw new Error('a class-conditional U-Net needs classes');
  const place = l.at('class_embedding');
  switch (config.class_embed_type) {
    case null:
      return place.embedding(classes, embeddingWidth(config));
    case 'identity':
      return classes;
    case 'timestep': {
      const ids = l.g.constant(
        Array.from({ length: width }, (_, id) => id),
        [width, 1],
      );
      const labels = l.g.reshape(l.g.matmul(classes, ids), [classes.shape[0]!]);
      return perceptron(place, projectTime(l, labels, config), config);
    }
  }
}

/** Two layers with SiLU between, whatever the net's activation is. */
function perceptron(l: Layers, x: Tensor, config: UNet2DConfig): Tensor {
  const width = embeddingWidth(config);
  return l.at('linear_2').linear(l.g.silu(l.at('linear_1').linear(x, width)), width);
}

function projectTime(l: Layers, timesteps: Tensor, config: UNet2DConfig): Tensor {
  const width = config.block_out_channels[0]!;
  switch (config.time_embedding_type) {
    case 'positional': {
      const { freq_shift: shift, flip_sin_to_cos: flip } = config;
      return timestepEmbedding(l.g, timesteps, width, shift, flip);
    }
    case 'fourier':
      return l.at('time_proj').fourierFeatures(timesteps, width);
    case 'learned':
      return l
        .at('time_proj')
        .embedding(oneHotSteps(l, timesteps, config.num_train_timesteps!), width);
  }
}

/** `[N]` → `[N, count]`: one-hot rows; between two whole steps the shares of both. */
function oneHotSteps(l: Layers, timesteps: Tensor, count: number): Tensor {
  const { g } = l;
  const steps = g.constant(
    Array.from({ length: count }, (_, step) => step),
    [1, count],
  );
  const distance = g.sub(g.reshape(timesteps, [timesteps.shape[0]!, 1]), steps);
  return g.relu(g.sub(1, g.maximum(distance, g.neg(distance))));
}
