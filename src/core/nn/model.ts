import { UserError } from '../base/errors';
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
  | {
      readonly type: 'unet';
      readonly config: UNet2DConfig;
      /**
       * It takes, behind the channels of x_t, those of its last estimate of x0, or zeros where there is
       * none (Chen et al., 2022, section 3.2): `in_channels` is 2 · `out_channels`. Default false.
       */
      readonly selfCondition?: boolean;
    }
  | { readonly type: 'tutorial-cnn'; readonly config: TutorialCnnConfig };

/** What a model takes in, per image. */
export interface ModelSignature {
  /** Of the noisy image. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** How many classes there are; null for a model without classes. */
  readonly classes: number | null;
  /** Whether it takes the logarithm of t, and so has no answer at t = 0. */
  readonly needsPositiveTime: boolean;
  /** Whether it takes an estimate of x0, of the image's shape. */
  readonly selfCondition: boolean;
}

/** Image side assumed where a configuration does not say, as `sample_size: null` may. */
const UNSPECIFIED_SIZE = 32;

export function signatureOf(model: ModelConfig): ModelSignature {
  const size = model.config.sample_size ?? UNSPECIFIED_SIZE;
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  const isUnet = model.type === 'unet';
  const selfCondition = isUnet && model.selfCondition === true;
  return {
    channels: isUnet ? model.config.in_channels / (selfCondition ? 2 : 1) : model.config.channels,
    height,
    width,
    classes: isUnet ? classWidth(model.config) : null,
    needsPositiveTime: isUnet && model.config.time_embedding_type === 'fourier',
    selfCondition,
  };
}

/**
 * Refuses a net whose prediction has not the image's channels: diffusion needs the one for the other.
 *
 * @param where the model, as it is named in the message
 * @throws UserError, one sentence
 */
export function checkPredictsImage(model: ModelConfig, where: string): void {
  if (model.type !== 'unet') return;
  const { in_channels: taken, out_channels: given } = model.config;
  if (signatureOf(model).channels === given) return;
  const wayOut =
    taken === 2 * given
      ? 'if the second half is its last estimate, say so in a diffusion_lab.json (docs/training.md), else '
      : '';
  throw new UserError(
    `${where} takes ${taken} channels and predicts ${given} (in_channels and out_channels of its config.json), so it can ` +
      `be neither drawn from nor trained on here; ${wayOut}choose another model.`,
  );
}

/** Shapes of a model's feeds for a batch. */
export function feedShapes(signature: ModelSignature, batch: number) {
  const { channels, height, width, classes, selfCondition } = signature;
  const image: Shape = [batch, channels, height, width];
  return {
    image,
    condition: selfCondition ? image : null,
    vector: [batch] as Shape,
    classes: classes === null ? null : ([batch, classes] as Shape),
  };
}

/** What a model is given besides the image: {@link feedShapes} as feeds of a graph. */
export function feedsBesideImage(
  g: GraphBuilder,
  signature: ModelSignature,
  batch: number,
): Omit<ModelInputs, 'sample'> {
  const { condition, vector, classes } = feedShapes(signature, batch);
  return {
    ...(condition ? { condition: g.feed('condition', condition) } : {}),
    timesteps: g.feed('timesteps', vector),
    classes: classes ? g.feed('classes', classes) : null,
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
  const signature = signatureOf(model);
  const specs: ParameterSpec[] = [];
  const sample = g.feed('sample', feedShapes(signature, 1).image);
  const inputs = { sample, ...feedsBesideImage(g, signature, 1) };
  buildModel(g, model, inputs, noting(g, specs));
  return layOut(specs);
}
