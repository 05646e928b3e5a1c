import { UserError } from '../base/errors';
import { GraphBuilder } from '../graph/builder';
import type { Graph, Tensor } from '../graph/ops';
import {
  buildModel,
  feedsBesideImage,
  feedShapes,
  signatureOf,
  type ModelConfig,
  type ModelSignature,
} from '../nn/model';
import type { ParameterSource } from '../nn/layers';
import { constants, slicing, type ParameterLayout, type Weights } from '../nn/parameters';
import type { DeviceState, Executable, Precision, Runtime } from '../runtime/runtime';

/** A model ready to predict for a fixed number of images at once. */
export interface Denoiser {
  readonly signature: ModelSignature;
  readonly batchSize: number;
  /**
   * The model's raw output (eps, v or x0, as it was trained) `[N, C, H, W]`.
   *
   * @param xt `[N, C, H, W]`
   * @param t the timestep of all images, 0 … T−1
   * @param classes a class for each image, for a class-conditional model
   * @param condition the last estimate of x0, of xt's shape, for a model that takes it; left out: none
   * @throws UserError at t = 0 if the model takes its logarithm; without classes if it needs some
   */
  predict(
    xt: Float32Array,
    t: number,
    classes?: ArrayLike<number> | null,
    condition?: Float32Array | null,
  ): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** The graph of a model's prediction, without gradients. */
export function predictionGraph(
  model: ModelConfig,
  batchSize: number,
  makeSource: (g: GraphBuilder) => ParameterSource,
): Graph {
  const g = new GraphBuilder();
  const source = makeSource(g);
  const signature = signatureOf(model);
  const sample = g.feed('sample', feedShapes(signature, batchSize).image);
  const inputs = { sample, ...feedsBesideImage(g, signature, batchSize) };
  g.result('prediction', buildModel(g, model, inputs, source));
  return g.build();
}

/** Class ids as one-hot rows `[N, count]`. */
export function oneHotRows(ids: ArrayLike<number>, count: number): Float32Array {
  const rows = new Float32Array(ids.length * count);
  for (let i = 0; i < ids.length; i++) rows[i * count + ids[i]!] = 1;
  return rows;
}

const NO_TIME_ZERO =
  'The model embeds the logarithm of t (time_embedding_type "fourier"), so it has no answer at timestep 0; ' +
  'give its scheduler_config.json a steps_offset of 1.';

/** A net with a list of classes is always given some: what has none to choose from takes vectors. */
const NO_CLASS_CHOSEN =
  'The model takes a vector for a class (class_embed_type "identity"), and no name stands for one, so it ' +
  'cannot be drawn from here; export it as ONNX, whose input "classes" takes the vectors.';

class GraphDenoiser implements Denoiser {
  constructor(
    readonly signature: ModelSignature,
    readonly batchSize: number,
    private readonly executable: Executable,
    private readonly state?: DeviceState,
  ) {}

  async predict(
    xt: Float32Array,
    t: number,
    classes: ArrayLike<number> | null = null,
    condition: Float32Array | null = null,
  ): Promise<Float32Array> {
    if (t === 0 && this.signature.needsPositiveTime) throw new UserError(NO_TIME_ZERO);
    const timesteps = new Float32Array(this.batchSize).fill(t);
    const feeds: Record<string, Float32Array> = { sample: xt, timesteps };
    if (this.signature.classes !== null) {
      if (!classes) throw new UserError(NO_CLASS_CHOSEN);
      feeds.classes = oneHotRows(classes, this.signature.classes);
    }
    if (this.signature.selfCondition) feeds.condition = condition ?? new Float32Array(xt.length);
    return (await this.executable.run(feeds, this.state)).prediction!;
  }

  dispose(): Promise<void> {
    return this.executable.dispose();
  }
}

/**
 * Compiles a model with its weights as constants, which the executor lays out for speed.
 *
 * @param precision float16 on WebGPU alone: about half the memory, and faster on a GPU made for it
 * @throws UserError if the graph does not fit the device's memory, or the device has no such precision
 */
export async function createDenoiser(
  runtime: Runtime,
  model: ModelConfig,
  weights: Weights,
  batchSize: number,
  precision: Precision = 'float32',
): Promise<Denoiser> {
  if (precision === 'float16' && runtime.device !== 'webgpu') {
    throw new UserError(
      `Device ${runtime.device} does not sample in float16: use --device webgpu, or leave --precision out.`,
    );
  }
  const graph = predictionGraph(model, batchSize, (g) => constants(g, weights));
  const executable = await runtime.compile(graph, {
    precision,
    label: `Sampling ${batchSize} images`,
    remedy: 'draw fewer images at once (--count)',
  });
  return new GraphDenoiser(signatureOf(model), batchSize, executable);
}

/** Where a live denoiser reads its weights, and for how many images. */
export interface LiveDenoiserOptions {
  readonly state: DeviceState;
  /** Name of the state's vector of parameters. */
  readonly vector: string;
  readonly batchSize: number;
  /** What is computed, and what to do where memory is short. */
  readonly label: string;
  readonly remedy: string;
}

/** Compiles a model that reads its weights from a vector of a training state, as it is at each run. */
export async function createLiveDenoiser(
  runtime: Runtime,
  model: ModelConfig,
  layout: ParameterLayout,
  { state, vector, batchSize, label, remedy }: LiveDenoiserOptions,
): Promise<Denoiser> {
  const graph = predictionGraph(model, batchSize, (g) => {
    const given: Tensor[] = [];
    return slicing(g, g.state(vector, [layout.total]), layout, given);
  });
  const executable = await runtime.compile(graph, {
    label,
    remedy,
  });
  return new GraphDenoiser(signatureOf(model), batchSize, executable, state);
}
