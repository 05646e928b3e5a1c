import { GraphBuilder } from '../graph/builder';
import { gradients } from '../graph/gradient';
import type { Graph, Tensor } from '../graph/ops';
import { sizeOf, type Shape } from '../graph/shape';
import { buildModel, feedsBesideImage, signatureOf, type ModelConfig } from '../nn/model';
import { slicing, type ParameterLayout } from '../nn/parameters';
import { adamW, type AdamWSettings } from '../nn/adamw';
import { noisedFeeds, perImageFeed } from './noised-feeds';

/** What one training step is built of. */
export interface TrainingStepSettings {
  readonly model: ModelConfig;
  readonly layout: ParameterLayout;
  /** Images a batch. */
  readonly batchSize: number;
  /** Batches whose gradients are summed before the parameters move. */
  readonly accumulate: number;
  readonly optimiser: AdamWSettings;
  /** Keeps an exponential moving average of the parameters. */
  readonly ema: boolean;
  /** Which parameters keep their values, in the layout's order; left out or null: none. */
  readonly frozen?: readonly boolean[] | null;
}

/** Names of the device's state: vectors as long as the model has parameters. */
export const STATE = {
  params: 'params',
  expAvg: 'expAvg',
  expAvgSq: 'expAvgSq',
  ema: 'ema',
  gradient: 'gradient',
} as const;

/** A dropout mask that has to be drawn for each batch. */
export interface DropoutMask {
  readonly name: string;
  readonly shape: Shape;
  readonly probability: number;
}

export interface TrainingGraphs {
  /**
   * Takes a batch. With `accumulate` 1 it also moves the parameters; otherwise it adds to the state
   * `gradient`, and `update` moves the parameters.
   */
  readonly batch: Graph;
  readonly update: Graph | null;
  readonly masks: readonly DropoutMask[];
}

interface LossTensors {
  readonly loss: Tensor;
  readonly perImage: Tensor;
}

function meanOverImage(g: GraphBuilder, x: Tensor): Tensor {
  return g.reduceMean(g.reshape(x, [x.shape[0]!, x.shape.slice(1).reduce((a, b) => a * b)]), [1]);
}

/**
 * The loss of a batch: x_t = √ᾱ_t·x0 + √(1−ᾱ_t)·ε (Ho et al., 2020, eq. 4), the model's prediction
 * against the target fromX0·x0 + fromEps·ε, squared, and weighted for each image.
 */
function addLoss(
  g: GraphBuilder,
  settings: TrainingStepSettings,
  params: Tensor,
  parameters: Tensor[],
  masks: DropoutMask[],
): LossTensors {
  const { model, layout, batchSize } = settings;
  const signature = signatureOf(model);
  const { x0, eps, xt } = noisedFeeds(g, signature, batchSize);
  const inputs = { sample: xt, ...feedsBesideImage(g, signature, batchSize) };
  const [fromX0, fromEps] = ['fromX0', 'fromEps'].map((name) => perImageFeed(g, name, batchSize));
  const target = g.add(g.mul(fromX0!, x0), g.mul(fromEps!, eps));
  const source = slicing(g, params, layout, parameters);
  const prediction = buildModel(g, model, inputs, source, (shape, probability) => {
    const name = `dropout.${masks.length}`;
    masks.push({ name, shape, probability });
    return g.feed(name, shape);
  });
  const squared = meanOverImage(g, g.square(g.sub(prediction, target)));
  const weighted = g.mul(squared, g.feed('weights', [batchSize]));
  return { loss: g.reduceMean(weighted, [0]), perImage: squared };
}

/** Moves parameters, moments and average by the gradient, as states. */
function addUpdate(
  g: GraphBuilder,
  settings: TrainingStepSettings,
  params: Tensor,
  gradient: Tensor,
): void {
  const shape = [settings.layout.total];
  const keep = g.feed('keep', []);
  const moved = adamW(g, settings.optimiser, {
    params,
    gradient,
    expAvg: g.state(STATE.expAvg, shape),
    expAvgSq: g.state(STATE.expAvgSq, shape),
    stepSize: g.feed('stepSize', []),
    invSqrtBias2: g.feed('invSqrtBias2', []),
    keep: settings.frozen ? keepOfEach(g, settings, keep) : keep,
  });
  g.nextState(STATE.params, moved.params);
  g.nextState(STATE.expAvg, moved.expAvg);
  g.nextState(STATE.expAvgSq, moved.expAvgSq);
  g.result('gradNorm', moved.gradNorm);
  if (settings.ema) {
    const ema = g.state(STATE.ema, shape);
    const step = g.mul(g.sub(moved.params, ema), g.sub(1, g.feed('emaDecay', [])));
    g.nextState(STATE.ema, g.add(ema, step));
  }
}

/** The graphs of one training step: forward, loss, gradients, AdamW and the moving average. */
export function buildTrainingStep(settings: TrainingStepSettings): TrainingGraphs {
  const { accumulate, layout } = settings;
  const g = new GraphBuilder();
  const parameters: Tensor[] = [];
  const masks: DropoutMask[] = [];
  const params = g.state(STATE.params, [layout.total]);
  const { loss, perImage } = addLoss(g, settings, params, parameters, masks);
  g.result('loss', loss);
  g.result('lossPerImage', perImage);
  const parts = gradientParts(g, settings, g.mul(loss, 1 / accumulate), parameters);
  const gradient = g.concat(parts, 0);
  if (accumulate === 1) {
    addUpdate(g, settings, params, gradient);
    return { batch: g.build(), update: null, masks };
  }
  g.nextState(STATE.gradient, g.add(g.state(STATE.gradient, [layout.total]), gradient));
  return { batch: g.build(), update: buildUpdate(settings), masks };
}

/** The gradients in the layout's order, 0 for what is frozen, for which nothing is computed. */
function gradientParts(
  g: GraphBuilder,
  { layout, frozen }: TrainingStepSettings,
  loss: Tensor,
  parameters: readonly Tensor[],
): Tensor[] {
  const isLearnt = (_: unknown, i: number) => !frozen?.[i];
  const learnt = gradients(g, loss, parameters.filter(isLearnt)).map((t) => g.flatten(t));
  const zero = g.constant([0], []);
  return layout.specs.map(({ shape }, i) =>
    isLearnt(null, i) ? learnt.shift()! : g.broadcastTo(zero, [sizeOf(shape)]),
  );
}

/** Weight decay's factor for each parameter: 1 for what is frozen. */
function keepOfEach(
  g: GraphBuilder,
  { layout, frozen }: TrainingStepSettings,
  keep: Tensor,
): Tensor {
  const one = g.constant([1], []);
  const parts = layout.specs.map(({ shape }, i) =>
    g.broadcastTo(frozen![i] ? one : keep, [sizeOf(shape)]),
  );
  return g.concat(parts, 0);
}

/** The update from summed gradients, which it sets back to 0. */
function buildUpdate(settings: TrainingStepSettings): Graph {
  const g = new GraphBuilder();
  const shape = [settings.layout.total];
  const gradient = g.state(STATE.gradient, shape);
  addUpdate(g, settings, g.state(STATE.params, shape), gradient);
  g.nextState(STATE.gradient, g.broadcastTo(g.constant([0], []), shape));
  return g.build();
}
