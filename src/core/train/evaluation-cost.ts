import type { EvaluationCost } from '../base/evaluation-cost';
import { throwIfStopped } from '../base/errors';
import { normals, Stream } from '../base/random';
import { openReader } from '../data/reader';
import { readImages, type LabelledImages } from '../data/images';
import { splitOf } from '../data/split';
import { classifierSteps, randomFeatureNet, trainClassifier } from '../evaluate/classifier';
import { EMBEDDED_AT_ONCE, Embedder } from '../evaluate/embed';
import { FEATURES, type FeatureNet } from '../evaluate/feature-net';
import { featureNetOf, isKept } from '../evaluate/feature-space';
import type { Features } from '../evaluate/features';
import { gaussianOf } from '../evaluate/frechet';
import { likenessOf } from '../evaluate/likeness';
import { referenceCounts } from '../evaluate/reference';
import { conditioningPlan } from '../sample/conditioning';
import { guidedBatch } from '../sample/guidance';
import { batchesOf } from '../sample/sampling-job';
import { signatureOf } from '../nn/model';
import type { DeviceState, Runtime } from '../runtime/runtime';
import { LiveModel } from './live-model';
import { atOnceFor, splitFor } from './periodic-evaluation';
import { batchOfEachKind } from './self-conditioning';
import type { TrainingSetup } from './setup';
import { Stepper, type StepperOptions, type TrainingVectors } from './stepper';

/** What single pieces of work were measured to take, and how many of each there are. */
export interface MeasuredPieces {
  /** The classifier's training; null where one is kept, or none is trained. */
  readonly classifier: {
    readonly steps: number;
    readonly firstSeconds: number;
    readonly laterSeconds: number;
  } | null;
  /** Images of the data set whose features are needed; 0 where they are known. */
  readonly reference: number;
  readonly secondsToRead: number;
  /** Of one image's features. */
  readonly secondsToEmbed: number;
  readonly samples: number;
  readonly predictions: number;
  readonly secondsToPredict: number;
  readonly secondsToCompare: number;
  readonly secondsPerStep: number;
}

/** What the pieces come to. */
export function costOf(pieces: MeasuredPieces): EvaluationCost {
  const { classifier, reference, samples, secondsToEmbed, secondsPerStep } = pieces;
  const learning = classifier
    ? classifier.firstSeconds + (classifier.steps - 1) * classifier.laterSeconds
    : 0;
  return {
    samples,
    secondsOnce: learning + reference * (pieces.secondsToRead + secondsToEmbed),
    secondsEach:
      pieces.predictions * pieces.secondsToPredict +
      samples * secondsToEmbed +
      pieces.secondsToCompare,
    secondsPerStep,
  };
}

/** How often a piece of work is done: the first is slow, and the fastest of the others counts. */
const TIMES = 3;
/** Images that reading is timed with. */
const READ = 50;

export interface CostRequest {
  readonly setup: TrainingSetup;
  /** With the weights. */
  readonly state: DeviceState;
  readonly samples: number;
  readonly secondsPerStep: number;
  readonly cacheFolder: string;
  /** Whether the data set's features are known. */
  readonly isOpen: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Measures what an evaluation will take, by doing a little of each kind of its work. It takes some seconds, or less
 * for small models, and changes nothing.
 *
 * @throws UserError where memory is short; StoppedError when the signal is aborted
 */
export async function measureCost(request: CostRequest): Promise<EvaluationCost> {
  const { setup, samples, secondsPerStep, isOpen, signal } = request;
  const { runtime, source } = setup;
  const { share } = splitFor(setup);
  const counts = referenceCounts(source, share);
  const { net, isTrained } = featureNetOf({
    ...source,
    classes: source.classNames?.length ?? null,
  });
  const key = { ...request, fingerprint: source.fingerprint, share, images: counts.train };
  const needsClassifier = isTrained && !isOpen && !(await isKept(key, net));
  const secondsToEmbed = await timeToEmbed(runtime, net, signal);
  const classifier = needsClassifier
    ? await timeClassifier(runtime, net, counts.train, signal)
    : null;
  return costOf({
    classifier,
    reference: isOpen ? 0 : counts.train + counts.heldOut,
    secondsToRead: isOpen ? 0 : timeToRead(setup),
    secondsToEmbed,
    samples,
    ...(await timePredictions(request)),
    secondsToCompare: timeToCompare(samples, counts.train),
    secondsPerStep,
  });
}

/** The seconds that the fastest run takes after the first. */
async function fastest(work: () => Promise<unknown>, signal?: AbortSignal): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < TIMES; i++) {
    throwIfStopped(signal);
    const before = performance.now();
    await work();
    const seconds = (performance.now() - before) / 1000;
    if (i > 0) least = Math.min(least, seconds);
  }
  return least;
}

async function timeToEmbed(
  runtime: Runtime,
  net: FeatureNet,
  signal?: AbortSignal,
): Promise<number> {
  const embedder = await Embedder.create(runtime, net, randomFeatureNet(net));
  const images = new Float32Array(EMBEDDED_AT_ONCE * net.channels * net.imageSize ** 2);
  try {
    return (await fastest(() => embedder.embed(images), signal)) / EMBEDDED_AT_ONCE;
  } finally {
    await embedder.dispose();
  }
}

async function timeClassifier(
  runtime: Runtime,
  net: FeatureNet,
  images: number,
  signal?: AbortSignal,
): Promise<MeasuredPieces['classifier']> {
  const size = net.channels * net.imageSize ** 2;
  const blank: LabelledImages = {
    data: new Float32Array(size),
    labels: new Int32Array(1),
    count: 1,
  };
  const training = trainClassifier(runtime, net, blank, signal, TIMES);
  const seconds: number[] = [];
  for (let before = performance.now(), i = 0; i < TIMES; i++) {
    await training.next();
    seconds.push((performance.now() - before) / 1000);
    before = performance.now();
  }
  await training.next();
  const laterSeconds = Math.min(...seconds.slice(1));
  return { steps: classifierSteps(images), firstSeconds: seconds[0]!, laterSeconds };
}

/** Seconds to read an image. */
function timeToRead({ source, config }: TrainingSetup): number {
  const ids = splitOf(source, config.holdOut).train.subarray(0, READ);
  const reader = openReader(source);
  try {
    const before = performance.now();
    readImages(reader, ids);
    return (performance.now() - before) / 1000 / ids.length;
  } finally {
    reader.close();
  }
}

async function timePredictions({ setup, state, samples, signal }: CostRequest) {
  const model = new LiveModel(setup, state);
  const plan = conditioningPlan(model.pipeline, model.settings);
  const { batches, batchSize } = batchesOf({ count: samples, atOnce: atOnceFor(setup) });
  try {
    const denoiser = await model.compile(guidedBatch(batchSize, plan.guidance));
    const { channels, height, width } = denoiser.signature;
    const xt = new Float32Array(denoiser.batchSize * channels * height * width);
    const classes = plan.classesOf(0, denoiser.batchSize);
    const t = setup.diffusion.schedule.timesteps - 1;
    const secondsToPredict = await fastest(() => denoiser.predict(xt, t, classes), signal);
    return { predictions: batches * model.settings.steps, secondsToPredict };
  } finally {
    await model.dispose();
  }
}

/** Seconds to compare samples, once, by numbers that are as good as features for that. */
function timeToCompare(samples: number, train: number): number {
  const features = (index: number, count: number): Features => ({
    data: normals({ seed: 0, stream: Stream.noise, index }, new Float32Array(count * FEATURES)),
    count,
    width: FEATURES,
  });
  const reference = features(0, train);
  const compared = { features: reference, gaussian: gaussianOf(reference) };
  const before = performance.now();
  likenessOf(features(1, samples), compared);
  return (performance.now() - before) / 1000;
}

/**
 * {@link measureCost} before the training's first step, on a copy of the training that is thrown away.
 *
 * @param vectors what the training begins with
 */
export async function measureCostBefore(
  options: StepperOptions,
  vectors: TrainingVectors,
  request: Omit<CostRequest, 'state' | 'secondsPerStep' | 'isOpen'>,
): Promise<EvaluationCost> {
  const { setup, signal } = request;
  const stepper = await Stepper.create(options, vectors);
  try {
    const kinds = batchKinds(setup);
    let secondsPerStep = 0;
    for (const index of kinds) {
      const batches = blankBatches(setup, index);
      const seconds = await fastest(() => stepper.run(batches, 1, 0, 0), signal);
      secondsPerStep += seconds / kinds.length;
    }
    return await measureCost({ ...request, state: stepper.state, secondsPerStep, isOpen: false });
  } finally {
    await stepper.dispose();
  }
}

/** A batch of each kind that steps take; a run has as many of one as of another. */
function batchKinds({ model, config }: TrainingSetup): number[] {
  return signatureOf(model).selfCondition ? batchOfEachKind(config.training.seed) : [0];
}

function blankBatches({ config, source, conditioning }: TrainingSetup, index: number) {
  const { batchSize, accumulate } = config.training;
  const pixels = batchSize * source.channels * source.imageSize ** 2;
  return Array.from({ length: accumulate }, () => ({
    index,
    epoch: 0,
    images: new Float32Array(pixels),
    noise: new Float32Array(pixels),
    timesteps: new Int32Array(batchSize),
    labels: conditioning.classNames ? new Int32Array(batchSize) : null,
  }));
}
