import { UserError } from '../base/errors';
import { pipelineFolderOf } from '../checkpoint/describe';
import { openPipeline, readPipelineWeights, type Pipeline } from '../checkpoint/diffusers-folder';
import { classListOf, type Conditioning } from '../checkpoint/sidecar';
import type { TrainingConfig } from '../config/training-config';
import { checkPredictsImage, parametersOf, signatureOf, type ModelConfig } from '../nn/model';
import type { ParameterLayout } from '../nn/parameters';
import { checkUNet2DConfig } from '../nn/unet2d-config';
import { shapesOf } from './run-state';
import { initialVectors, type TrainingVectors } from './stepper';
import type { TrainingStepSettings } from './training-step';

/** The rows of the classes: what begins anew where the classes are others. */
const CLASS_EMBEDDING = 'class_embedding.weight';

/** The net that a run begins from: of a run, a checkpoint or a diffusers folder. */
export async function openBase(from: string): Promise<Pipeline> {
  return openPipeline(await pipelineFolderOf(from));
}

/**
 * The settings with what the net brings: its noise schedule, its channels, and its image size where no
 * other is asked for.
 *
 * @throws UserError if the images are to have other channels than the net takes
 */
export function configOnBase(wanted: TrainingConfig, base: Pipeline): TrainingConfig {
  checkPredictsImage(base.model, base.path);
  const { height, width, channels } = signatureOf(base.model);
  if (height !== width || (channels !== 1 && channels !== 3)) {
    throw new UserError(
      `${base.path} takes images of ${width}×${height} with ${channels} channels; only square images of 1 or 3 ` +
        'channels can be trained on here, so choose another --from.',
    );
  }
  if (wanted.channels !== undefined && wanted.channels !== channels) {
    throw new UserError(
      `--channels is ${wanted.channels}, but ${base.path} takes images of ${channels}; leave the option out.`,
    );
  }
  const { imageSize = height } = wanted;
  return { ...wanted, imageSize, channels, schedule: base.schedule };
}

/**
 * The net of a run that begins from another: for its images and classes.
 *
 * @throws UserError if it cannot be so
 */
export function netOnBase(
  base: Pipeline,
  { imageSize, classes, model: asked }: TrainingConfig,
  numClassEmbeds: number | null,
): ModelConfig {
  const { model } = base;
  checkSelfCondition(base, asked.type === 'unet' && asked.selfCondition);
  if (model.type !== 'unet') {
    if (!classes) return { ...model, config: { ...model.config, sample_size: imageSize! } };
    throw new UserError(`--classes needs a U-Net, which ${base.path} is not; leave it out.`);
  }
  const isConditional = signatureOf(model).classes !== null;
  if (isConditional && !classes) {
    throw new UserError(
      `${base.path} is class-conditional; add --classes, so that its classes are learnt on.`,
    );
  }
  if (model.config.class_embed_type !== null) {
    throw new UserError(
      `${base.path} has the class_embed_type "${model.config.class_embed_type}", which cannot be trained here; ` +
        'choose another --from.',
    );
  }
  if (signatureOf(model).needsPositiveTime) {
    throw new UserError(
      `${base.path} embeds the logarithm of t (time_embedding_type "fourier"), and training begins at timestep 0; ` +
        'choose another --from.',
    );
  }
  const config = { ...model.config, sample_size: imageSize!, num_class_embeds: numClassEmbeds };
  checkUNet2DConfig(config, base.path);
  return { ...model, config };
}

function checkSelfCondition({ path, model }: Pipeline, isAsked: boolean): void {
  const { selfCondition } = signatureOf(model);
  if (selfCondition && !isAsked) {
    throw new UserError(
      `${path} is self-conditioned; add --self-condition, so that it is trained on as such.`,
    );
  }
  if (isAsked && !selfCondition) {
    throw new UserError(
      `--self-condition needs a net that was trained with it, which ${path} was not; leave it out, or begin a ` +
        'new net without --from.',
    );
  }
}

/** Whether the rows of both class embeddings mean the same. */
export function hasSameClasses(base: Pipeline, conditioning: Conditioning): boolean {
  const list = classListOf(base.model, base.conditioning);
  if (list === null) return conditioning.classNames === null;
  const { classNames, nullClass } = conditioning;
  return nullClass === list.nullClass && JSON.stringify(classNames) === JSON.stringify(list.names);
}

/**
 * Vectors to begin with: the base's weights, and a fresh class embedding where the classes are others.
 *
 * @throws UserError if the base's weights are not whole
 */
export async function vectorsOnBase(
  base: Pipeline,
  conditioning: Conditioning,
  step: TrainingStepSettings,
  seed: number,
): Promise<TrainingVectors> {
  const weights = await readPipelineWeights(base, shapesOf(parametersOf(base.model)));
  if (!hasSameClasses(base, conditioning)) weights.delete(CLASS_EMBEDDING);
  const vectors = initialVectors(step, seed);
  const params = vectors.params.slice();
  const { specs, offsets } = step.layout;
  specs.forEach(({ name }, i) => {
    const values = weights.get(name);
    if (values) params.set(values, offsets[i]!);
    else if (name !== CLASS_EMBEDDING) throw new Error(`the base has no ${name}`);
  });
  return { ...vectors, params, ema: vectors.ema && params };
}

/**
 * Which parameters keep their values, by patterns of their names in which * stands for anything; null
 * where none do.
 *
 * @throws UserError for a pattern that fits no name, or where nothing would be left to learn
 */
export function frozenBy(
  patterns: readonly string[],
  { specs }: Pick<ParameterLayout, 'specs'>,
): boolean[] | null {
  if (patterns.length === 0) return null;
  const names = specs.map(({ name }) => name);
  const fits = patterns.map(expressionOf);
  const idle = patterns.find((_, i) => !names.some((name) => fits[i]!.test(name)));
  if (idle !== undefined) {
    const parts = [...new Set(names.map((name) => name.split('.')[0]!))].join(', ');
    throw new UserError(
      `--freeze is '${idle}', which fits no parameter; the net has ${parts}, so give a pattern such as '${names[0]!.split('.')[0]}.*'.`,
    );
  }
  const frozen = names.map((name) => fits.some((expression) => expression.test(name)));
  if (frozen.every((each) => each)) {
    throw new UserError('--freeze leaves no parameter to learn; freeze fewer layers.');
  }
  return frozen;
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
