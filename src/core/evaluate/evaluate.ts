import path from 'node:path';
import { UserError } from '../base/errors';
import { exists } from '../base/files';
import { plural } from '../base/number-text';
import { pipelineFolderOf } from '../checkpoint/describe';
import { RunDirectory, type RunRecord } from '../checkpoint/run-directory';
import { readImages, type LabelledImages } from '../data/images';
import { openSource } from '../data/open';
import { openReader } from '../data/reader';
import { splitOf, type Split } from '../data/split';
import type { ImageSource } from '../data/source';
import { signatureOf } from '../nn/model';
import type { Runtime } from '../runtime/runtime';
import { DenoiserCache } from '../sample/denoiser-cache';
import { lossByTimestep } from '../sample/model-loss';
import {
  openModel,
  sampleImages,
  type SampledEvent,
  type SampledModel,
  type SamplingWishes,
} from '../sample/sampling-job';
import { accuracyObstacle } from './class-accuracy';
import { agreement, type Embedder } from './embed';
import type { Evaluation, EvaluationProgress, EvaluationStage, Likeness } from './evaluation';
import { openFeatureSpace } from './feature-space';
import { divided, rmsOf, rowsOf, type Features } from './features';
import { frechetEstimate, gaussianOf } from './frechet';
import { shareOf } from './jackknife';
import { kernelDistance } from './kernel-distance';
import { nearestImages, quantile } from './nearest';
import { precisionRecall } from './precision-recall';

export interface EvaluationRequest {
  /** A run, a checkpoint or a diffusers folder. */
  readonly target: string;
  readonly runtime: Runtime;
  readonly wishes: SamplingWishes;
  /** What to compare with; left out: what the run was trained on. */
  readonly dataset?: string;
  /** For decoded images and feature networks. */
  readonly cacheFolder: string;
  readonly onProgress?: (progress: EvaluationProgress) => void;
  readonly signal?: AbortSignal;
}

/** A tenth of them still has a spread to be measured. */
const FEWEST_IMAGES = 100;
/** Share of a data set that is held out where the run held out none, or too few. */
const HELD_OUT_SHARE = 0.1;
/** Fewest held-out images that are measured on. */
const FEWEST_HELD_OUT = 10;
/** Most images that each is measured with: what more would change is less than the errors. */
const MOST_REFERENCE = 10_000;
const MOST_HELD_OUT = 2_000;
const MOST_PAIRED = 2_000;
const MOST_LOSS_IMAGES = 256;
/** Images at once where the loss is measured. */
const LOSS_BATCH = 64;
/** Timesteps at which it is measured. */
const LOSS_TIMESTEPS = 10;
/** Share of held-out images that are as near to a training image as a copy is taken to be. */
const COPY_SHARE = 0.01;

/** The images of a data set that an evaluation needs. */
interface Reference {
  readonly source: ImageSource;
  readonly train: LabelledImages;
  readonly heldOut: LabelledImages;
  /** Share that is held out. */
  readonly share: number;
  readonly sawHeldOut: boolean;
}

/**
 * Measures a model: how like its data set its samples are, whether they are copies, and its loss on images that
 * were held out.
 *
 * @throws UserError if the model or the data set is no good; StoppedError when the signal is aborted
 */
export async function evaluate(request: EvaluationRequest): Promise<Evaluation> {
  const startedAt = performance.now();
  const report = (stage: EvaluationStage) => (share: number) =>
    request.onProgress?.({ stage, share });
  const { runtime, signal } = request;
  report('dataset')(0);
  const model = await openModel(request.target);
  const reference = await openReference(request, model);
  const { source, train, heldOut } = reference;
  const space = await openFeatureSpace({
    runtime,
    imageSize: source.imageSize,
    channels: source.channels,
    classes: source.classNames?.length ?? null,
    train,
    heldOut,
    fingerprint: source.fingerprint,
    share: reference.share,
    cacheFolder: request.cacheFolder,
    onProgress: report('features'),
    signal,
  });
  try {
    const drawn = await draw(request, model, report('sampling'));
    report('likeness')(0);
    const obstacle = accuracyObstacle(model.pipeline.conditioning.classNames, source.classNames);
    const { predicted, ...likeness } = await compare(space.embedder, drawn, reference, signal);
    const { classes } = drawn;
    const isTold = classes !== null && obstacle === null;
    report('nearest')(0);
    const memorisation = await searchCopies(runtime, drawn, reference, signal);
    report('loss')(0);
    const loss = await measureLoss(runtime, model, reference, report('loss'), signal);
    return {
      model: model.pipeline.path,
      dataset: source.spec,
      count: request.wishes.count,
      settings: drawn.settings,
      featureSpace: { kind: space.kind, accuracy: space.accuracy },
      reference: train.count,
      heldOut: heldOut.count,
      sawHeldOut: reference.sawHeldOut,
      ...likeness,
      classAccuracy: isTold ? shareOf(agreement(predicted, classes), classes.length) : null,
      accuracyObstacle: obstacle,
      memorisation,
      loss,
      seconds: (performance.now() - startedAt) / 1000,
    };
  } finally {
    await space.embedder.dispose();
  }
}

/** What the run that a checkpoint lies in says of itself; null where it lies in none. */
async function recordOf(pipelineFolder: string): Promise<RunRecord | null> {
  const run = path.dirname(path.dirname(path.resolve(pipelineFolder)));
  if (!(await exists(path.join(run, 'run.json')))) return null;
  return (await RunDirectory.open(run)).record;
}

async function openReference(
  { target, dataset, cacheFolder, signal }: EvaluationRequest,
  model: SampledModel,
): Promise<Reference> {
  const record = await recordOf(await pipelineFolderOf(target));
  const config = record?.config;
  const spec = dataset ?? config?.dataset;
  if (spec === undefined) {
    throw new UserError(
      `${target} lies in no run, so what it was trained on is unknown; name the images to compare with (--dataset).`,
    );
  }
  const { channels, height, width } = signatureOf(model.pipeline.model);
  if (height !== width || (channels !== 1 && channels !== 3)) {
    throw new UserError(
      `${target} makes images of ${height}×${width} with ${channels} channels; only square ones with 1 or 3 can be evaluated.`,
    );
  }
  const resize = config?.resize;
  const source = await openSource(spec, {
    imageSize: height,
    channels,
    resize,
    cacheFolder,
    signal,
  });
  if (source.count < FEWEST_IMAGES) {
    throw new UserError(
      `${spec} has ${plural(source.count, 'image')}, too few to tell how like them others are; give a data set of at least ${FEWEST_IMAGES} (--dataset).`,
    );
  }
  const own = record && shareHeldOutBy(record, source);
  const share = own ?? HELD_OUT_SHARE;
  return { source, ...readSplit(source, splitOf(source, share)), share, sawHeldOut: own === null };
}

/**
 * The share of the run, if its held-out images are enough and surely new to the model: weights that the run
 * began from may have seen them.
 */
function shareHeldOutBy({ config, dataset }: RunRecord, source: ImageSource): number | null {
  const { from } = config;
  // Of the built-in digits no training reaches those that are held out.
  const isEndless = source.origin.kind === 'digits';
  const holdOut = config.holdOut || (isEndless ? HELD_OUT_SHARE : 0);
  if (holdOut === 0 || from !== undefined || dataset.fingerprint !== source.fingerprint)
    return null;
  return splitOf(source, holdOut).heldOut.length < FEWEST_HELD_OUT ? null : holdOut;
}

function readSplit(
  source: ImageSource,
  split: Split,
): { train: LabelledImages; heldOut: LabelledImages } {
  const reader = openReader(source);
  try {
    return {
      train: readImages(reader, split.train.subarray(0, MOST_REFERENCE)),
      heldOut: readImages(reader, split.heldOut.subarray(0, MOST_HELD_OUT)),
    };
  } finally {
    reader.close();
  }
}

/** Samples, and the class that each was meant to be. */
interface Drawn {
  /** `[count, C, H, W]` in [−1, 1]. */
  readonly images: Float32Array;
  readonly classes: readonly number[] | null;
  readonly settings: SampledEvent['settings'];
}

async function draw(
  { runtime, wishes, signal }: EvaluationRequest,
  model: SampledModel,
  report: (share: number) => void,
): Promise<Drawn> {
  for await (const event of sampleImages(runtime, model, wishes, signal)) {
    if (event.type === 'frame') {
      report(event.progress);
      continue;
    }
    const images = event.images.data.map((x) => Math.min(1, Math.max(-1, x)));
    return { images, classes: event.classes, settings: event.settings };
  }
  throw new Error('a sampling ended without its images');
}

/** Features are in units of the training images' root mean square, so that figures do not hang on their scale. */
async function compare(
  embedder: Embedder,
  drawn: Drawn,
  { train, heldOut }: Reference,
  signal?: AbortSignal,
): Promise<Pick<Evaluation, 'samples' | 'asMany' | 'real'> & { predicted: Int32Array }> {
  const { features: raw } = await embedder.embed(train.data, signal);
  const unit = rmsOf(raw);
  const ofTrain = divided(raw, unit);
  const { features, predicted } = await embedder.embed(drawn.images, signal);
  const ofHeldOut = divided((await embedder.embed(heldOut.data, signal)).features, unit);
  const count = Math.min(ofHeldOut.count, features.count);
  const ofSamples = divided(features, unit);
  const isLess = count < ofSamples.count;
  return {
    samples: likenessOf(ofSamples, ofTrain),
    asMany: isLess ? likenessOf(rowsOf(ofSamples, 0, count), ofTrain) : null,
    real: { count, ...likenessOf(rowsOf(ofHeldOut, 0, count), ofTrain) },
    predicted,
  };
}

function likenessOf(images: Features, train: Features): Likeness {
  const paired = (features: Features, most: number) =>
    rowsOf(features, 0, Math.min(features.count, most));
  const count = Math.min(MOST_PAIRED, images.count, train.count);
  return {
    frechet: frechetEstimate(images, gaussianOf(train)),
    kernel: kernelDistance(paired(images, MOST_PAIRED), paired(train, MOST_PAIRED)),
    ...precisionRecall(paired(images, count), paired(train, count)),
  };
}

async function searchCopies(
  runtime: Runtime,
  { images }: Drawn,
  { train, heldOut }: Reference,
  signal?: AbortSignal,
): Promise<Evaluation['memorisation']> {
  const width = train.data.length / train.count;
  const search = async (of: Float32Array) =>
    (await nearestImages(runtime, of, train.data, width, signal)).distance;
  const ofSamples = await search(images);
  const ofHeldOut = await search(heldOut.data);
  const limit = quantile(ofHeldOut, COPY_SHARE);
  const summary = (distances: Float32Array) => ({
    fifthPercentile: quantile(distances, 0.05),
    median: quantile(distances, 0.5),
  });
  return {
    samples: summary(ofSamples),
    heldOut: summary(ofHeldOut),
    suspicious: ofSamples.filter((distance) => distance < limit).length / ofSamples.length,
  };
}

async function measureLoss(
  runtime: Runtime,
  { pipeline, weights, diffusion }: SampledModel,
  { train, heldOut }: Reference,
  report: (share: number) => void,
  signal?: AbortSignal,
): Promise<Evaluation['loss']> {
  const cache = new DenoiserCache(runtime);
  try {
    const denoiser = await cache.get(pipeline.model, weights, LOSS_BATCH);
    const count = Math.min(MOST_LOSS_IMAGES, heldOut.count, train.count);
    const measured = (set: LabelledImages) =>
      lossByTimestep(denoiser, diffusion, firstOf(set, count), LOSS_TIMESTEPS, signal);
    const ofHeldOut = await measured(heldOut);
    report(0.5);
    return { heldOut: ofHeldOut, train: await measured(train) };
  } finally {
    await cache.dispose();
  }
}

function firstOf({ data, labels, count }: LabelledImages, most: number): LabelledImages {
  const size = data.length / count;
  return { data: data.subarray(0, most * size), labels: labels.subarray(0, most), count: most };
}
