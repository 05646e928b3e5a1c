import { GraphBuilder } from '../graph/builder';
import type { Tensor } from '../graph/ops';
import type { Shape } from '../graph/shape';
import { Layers, type DropoutSource, type ParameterSource, type ParameterSpec } from './layers';
import { layOut, noting, type ParameterLayout } from './parameters';
import { tutorialCnn, type TutorialCnnConfig } from './tutorial-cnn';
import { unet2d, type ModelInputs } from './unet2d';
import { classWidth, type UNet2DConfig } from './unet2d-config';

/** Which network, and its configuration. */
export type ModelConfig =
  | { readonly type: 'unet'; readonly config: UNet2DConfig }
  | { readonly type: 'tutorial-cnn'; readonly config: TutorialCnnConfig };

/** What a model takes in, per image. */
export interface ModelSignature {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** How many classes there are; null for a model without classes. */
  readonly classes: number | null;
  /** Whether it takes the logarithm of t, and so has no answer at t = 0. */
  readonly needsPositiveTime: boolean;
}

/** Image side assumed where a configuration does not say, as `sample_size: null` may. */
const UNSPECIFIED_SIZE = 32;

export function signatureOf(model: ModelConfig): ModelSignature {
  const size = model.config.sample_size ?? UNSPECIFIED_SIZE;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const isUnet = model.type === 'unet';
  return {
    channels: isUnet ? model.config.in_channels : model.config.channels,
    height,
    width,
    classes: isUnet ? classWidth(model.config) : null,
    needsPositiveTime: isUnet && model.config.time_embedding_type === 'fourier',
  };
}

/** Shapes of a model's feeds for a batch. */
export function feedShapes(signature: ModelSignature, batch: number) {
  const { channels, height, width, classes } = signature;
  return {
    image: [batch, channels, height, width] as Shape,
    vector: [batch] as Shape,
    classes: classes === null ? null : ([batch, classes] as Shape),
  };
}

/** Adds a model to a graph; returns its prediction, of the sample's shape. */
export function buildModel(
  g: GraphBuilder,
  model: ModelConfig,
  inputs: ModelInputs,
  source: ParameterSource,
  dropout: DropoutSource | null = null,
): Tensor {
  const layers = new Layers(g, source, dropout);
  if (model.type === 'unet') return unet2d(layers, inputs, model.config);
  return tutorialCnn(layers, inputs, model.config);
}

/** A model's parameters, in the order in which it asks for them. */
export function parametersOf(model: ModelConfig): ParameterLayout {
  const g = new GraphBuilder();
  const shapes = feedShapes(signatureOf(model), 1);
  const specs: ParameterSpec[] = [];
  const inputs = {
    sample: g.feed('sample', shapes.image),
    timesteps: g.feed('timesteps', shapes.vector),
    classes: shapes.classes ? g.feed('classes', shapes.classes) : null,
  };
  buildModel(g, model, inputs, noting(g, specs));
  return layOut(specs);
}
