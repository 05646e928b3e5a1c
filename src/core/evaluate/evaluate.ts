import path from 'node:path';
import { drained } from '../base/drained';
import { UserError } from '../base/errors';
import { exists } from '../base/files';
import { pipelineFolderOf } from '../checkpoint/describe';
import { RunDirectory, type RunRecord } from '../checkpoint/run-directory';
import type { LabelledImages } from '../data/images';
import { openSource } from '../data/open';
import type { ImageSource } from '../data/source';
import { signatureOf } from '../nn/model';
import type { Runtime } from '../runtime/runtime';
import { DenoiserCache } from '../sample/denoiser-cache';
import { lossByTimestep } from '../sample/model-loss';
import {
  openModel,
  sampleImages,
  settingsFor,
  type SampledEvent,
  type SampledModel,
  type SamplingWishes,
} from '../sample/sampling-job';
import { accuracyObstacle } from './class-accuracy';
import { agreement } from './embed';
import type { Evaluation, EvaluationProgress, EvaluationStage } from './evaluation';
import { openFeatureSpace } from './feature-space';
import { shareOf } from './jackknife';
import { LikenessMeter } from './likeness';
import { nearestImages, quantile } from './nearest';
import {
  checkReference,
  FEWEST_IMAGES,
  readReference,
  referenceSplit,
  type Reference,
  type ReferenceSplit,
} from './reference';

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

/** Most images that the loss is measured on. */
const MOST_LOSS_IMAGES = 256;
/** Images at once where the loss is measured. */
const LOSS_BATCH = 64;
/** Timesteps at which it is measured. */
const LOSS_TIMESTEPS = 10;
/** Share of held-out images that are as near to a training image as a copy is taken to be. */
const COPY_SHARE = 0.01;

/** What a model is compared with. */
interface Subject extends Reference, ReferenceSplit {
  readonly source: ImageSource;
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
  settingsFor(model, request.wishes);
  const reference = await openReference(request, model, report('dataset'));
  const { source, train, heldOut } = reference;
  const opening = openFeatureSpace({
    runtime,
    imageSize: source.imageSize,
    channels: source.channels,
    classes: source.classNames?.length ?? null,
    train,
    heldOut,
    fingerprint: source.fingerprint,
    share: reference.share,
    cacheFolder: request.cacheFolder,
    signal,
  });
  report('features')(0);
  const space = await drained(opening, report('features'));
  try {
    const drawn = await draw(request, model, report('sampling'));
    report('likeness')(0);
    const obstacle = accuracyObstacle(model.pipeline.conditioning.classNames, source.classNames);
    const meter = await drained(LikenessMeter.open(space.embedder, reference, signal));
    const { predicted, ...likeness } = await meter.compare(drawn.images, true, signal);
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
  report: (share: number) => void,
): Promise<Subject> {
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
  checkReference(source, `give a data set of at least ${FEWEST_IMAGES} (--dataset)`);
  const split = referenceSplit(source, record && holdOutOf(record, source));
  const reference = await drained(readReference(source, split.share, signal), report);
  return { source, ...reference, ...split };
}

/** The share that a run held out of a data set; null where that says nothing of what the model has seen. */
function holdOutOf({ config, dataset }: RunRecord, source: ImageSource): number | null {
  const isSame = dataset.fingerprint === source.fingerprint;
  return isSame && config.from === undefined ? config.holdOut : null;
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
