import { throwIfStopped } from '../base/errors';
import { permutation, Stream } from '../base/random';
import { initialise, unpack, type ParameterLayout, type Weights } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { oneHotRows } from '../sample/denoiser';
import { adamWScalars } from '../nn/adamw';
import {
  CLASSIFIER_OPTIMISER,
  classifierStep,
  featureNetLayout,
  type FeatureNet,
} from './feature-net';
import type { LabelledImages } from '../data/images';

const BATCH = 128;
const EPOCHS = 12;
const FEWEST_STEPS = 200;
const MOST_STEPS = 1500;
const PEAK_LR = 3e-3;
const WARM_UP_SHARE = 0.1;
const WEIGHT_DECAY = 0.05;
/** All is drawn from it, so that one data set has one feature space. */
const SEED = 20_231;

/** Steps that a classifier is trained for on so many images. */
export function classifierSteps(images: number): number {
  const wanted = Math.ceil((EPOCHS * images) / BATCH);
  return Math.min(MOST_STEPS, Math.max(FEWEST_STEPS, wanted));
}

/** Linear warm-up, then down along a cosine. */
function rateAt(step: number, steps: number): number {
  const share = step / steps;
  if (share < WARM_UP_SHARE) return (PEAK_LR * share) / WARM_UP_SHARE;
  const rest = (share - WARM_UP_SHARE) / (1 - WARM_UP_SHARE);
  return (PEAK_LR * (1 + Math.cos(Math.PI * rest))) / 2;
}

/** Fills a batch with images of the order, which goes round. */
class BatchSource {
  private readonly size: number;
  private readonly order: Uint32Array;
  readonly images: Float32Array;
  readonly labels = new Int32Array(BATCH);

  constructor(private readonly set: LabelledImages) {
    this.size = set.data.length / set.count;
    this.images = new Float32Array(BATCH * this.size);
    this.order = permutation({ seed: SEED, stream: Stream.order, index: 0 }, set.count);
  }

  fill(step: number): void {
    const { set, size } = this;
    for (let i = 0; i < BATCH; i++) {
      const image = this.order[(step * BATCH + i) % set.count]!;
      this.images.set(set.data.subarray(image * size, (image + 1) * size), i * size);
      this.labels[i] = set.labels[image]!;
    }
  }
}

/** The untrained network: a fixed random feature space. */
export function randomFeatureNet(net: FeatureNet): Weights {
  const layout = featureNetLayout(net);
  return unpack(layout, initialise(layout, SEED));
}

/**
 * Trains a network to tell the classes of images apart, and yields the share that is done, 0 … 1, after each step.
 * The same images give the same network on one device.
 *
 * @param steps left out: {@link classifierSteps}
 * @throws StoppedError when the signal is aborted
 */
export async function* trainClassifier(
  runtime: Runtime,
  net: FeatureNet,
  set: LabelledImages,
  signal?: AbortSignal,
  steps = classifierSteps(set.count),
): AsyncGenerator<number, Weights, undefined> {
  const layout = featureNetLayout(net);
  const executable = await runtime.compile(classifierStep(net, layout, BATCH), {
    label: 'The classifier',
  });
  const state = await runtime.createState(startOf(layout));
  const batch = new BatchSource(set);
  try {
    for (let step = 1; step <= steps; step++) {
      throwIfStopped(signal);
      batch.fill(step - 1);
      const rate = rateAt(step, steps);
      const scalars = adamWScalars(CLASSIFIER_OPTIMISER, step, rate, WEIGHT_DECAY);
      const feeds = Object.entries(scalars).map(([name, value]) => [name, Float32Array.of(value)]);
      await executable.run(
        {
          images: batch.images,
          targets: oneHotRows(batch.labels, net.classes),
          ...(Object.fromEntries(feeds) as Record<string, Float32Array>),
        },
        state,
      );
      yield step / steps;
    }
    return unpack(layout, await state.read('params'));
  } finally {
    state.dispose();
    await executable.dispose();
  }
}

function startOf(layout: ParameterLayout) {
  const shape = [layout.total];
  const zeros = () => ({ data: new Float32Array(layout.total), shape });
  const params = { data: initialise(layout, SEED), shape };
  return { params, expAvg: zeros(), expAvgSq: zeros() };
}
