import { Stream, uniforms } from '../base/random';
import { x0Weights, type PredictionKind } from '../diffusion/prediction';
import { levelAt, type NoiseSchedule } from '../diffusion/schedule';
import { GraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/ops';
import { sizeOf } from '../graph/shape';
import {
  buildModel,
  feedsBesideImage,
  feedShapes,
  signatureOf,
  type ModelConfig,
} from '../nn/model';
import { slicing, type ParameterLayout } from '../nn/parameters';
import type { DeviceState, Executable, Runtime } from '../runtime/runtime';
import { noisedFeeds, perImageFeed } from './noised-feeds';
import { STATE } from './training-step';

/** Share of the batches for which the net is given its own estimate. */
const SHARE = 0.5;

type Feeds = Readonly<Record<string, Float32Array>>;

export interface SelfConditioningOptions {
  readonly runtime: Runtime;
  readonly model: ModelConfig;
  readonly layout: ParameterLayout;
  /** Images at once. */
  readonly batchSize: number;
  readonly schedule: NoiseSchedule;
  readonly prediction: PredictionKind;
  readonly seed: number;
  /** What to do where memory is short. */
  readonly remedy: string;
}

/** Whether batch `index` of a run, from 0, is one of the half that gets an estimate. */
export function getsEstimate(seed: number, index: number): boolean {
  const key = { seed, stream: Stream.selfCondition, index };
  return uniforms(key, new Float32Array(1))[0]! < SHARE;
}

/** The first batch of a run that gets an estimate, and the first that gets none. */
export function batchOfEachKind(seed: number): number[] {
  return [true, false].map((isGiven) => {
    let index = 0;
    while (getsEstimate(seed, index) !== isGiven) index++;
    return index;
  });
}

/** A batch's x0 as the net sees it from x_t, with the parameters as they are, within [−1, 1]. */
function estimateGraph(model: ModelConfig, layout: ParameterLayout, batchSize: number): Graph {
  const g = new GraphBuilder();
  const signature = signatureOf(model);
  const { xt } = noisedFeeds(g, signature, batchSize);
  const inputs = { sample: xt, ...feedsBesideImage(g, signature, batchSize) };
  const source = slicing(g, g.state(STATE.params, [layout.total]), layout, []);
  const output = buildModel(g, model, inputs, source);
  const [fromXt, fromOutput] = ['fromXt', 'fromOutput'].map((name) =>
    perImageFeed(g, name, batchSize),
  );
  const x0 = g.add(g.mul(fromXt!, xt), g.mul(fromOutput!, output));
  g.result('estimate', g.maximum(-1, g.minimum(1, x0)));
  return g.build();
}

/**
 * What a self-conditioned net is given beside x_t while it is trained (Chen et al., 2022, "Analog Bits",
 * Algorithm 1): for half of the batches the net's own estimate of x0, made without gradient, without
 * dropout and from zeros in the estimate's place; for the others zeros.
 */
export class SelfConditioning {
  private readonly zeros: Float32Array;
  private readonly fromXt: Float32Array;
  private readonly fromOutput: Float32Array;

  private constructor(
    private readonly estimate: Executable,
    private readonly seed: number,
    { model, batchSize, schedule, prediction }: SelfConditioningOptions,
  ) {
    const weights = Array.from(schedule.alphaBars, (_, t) =>
      x0Weights(prediction, levelAt(schedule, t)),
    );
    this.fromXt = Float32Array.from(weights, ({ xt }) => xt);
    this.fromOutput = Float32Array.from(weights, ({ output }) => output);
    this.zeros = new Float32Array(sizeOf(feedShapes(signatureOf(model), batchSize).image));
  }

  /** @throws UserError if the estimate does not fit the device's memory */
  static async create(options: SelfConditioningOptions): Promise<SelfConditioning> {
    const { runtime, model, layout, batchSize, remedy, seed } = options;
    const graph = estimateGraph(model, layout, batchSize);
    const label = 'The estimate for self-conditioning';
    return new SelfConditioning(await runtime.compile(graph, { label, remedy }), seed, options);
  }

  /**
   * The condition `[N, C, H, W]` for images of batch `index`.
   *
   * @param feeds of the training step
   * @param state with the parameters
   */
  async condition(feeds: Feeds, index: number, state: DeviceState): Promise<Float32Array> {
    if (!getsEstimate(this.seed, index)) return this.zeros;
    const at = (table: Float32Array) => feeds.timesteps!.map((t) => table[t]!);
    const [fromXt, fromOutput] = [at(this.fromXt), at(this.fromOutput)];
    const given = { ...feeds, condition: this.zeros, fromXt, fromOutput };
    return (await this.estimate.run(given, state)).estimate!;
  }

  dispose(): Promise<void> {
    return this.estimate.dispose();
  }
}
