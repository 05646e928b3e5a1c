import type { GraphBuilder } from '../graph/builder';
import type { Graph, Tensor } from '../graph/ops';
import { sizeOf } from '../graph/shape';
import type { ModelConfig } from '../nn/model';
import { noting } from '../nn/parameters';
import type { DeviceName } from '../runtime/runtime';
import { predictionGraph } from '../sample/denoiser';

/** How a batch is cut into equal parts, whose gradients are summed before the parameters move. */
export interface BatchParts {
  readonly count: number;
  /** Images in each part; together at least as many as the batch has. */
  readonly size: number;
}

type Feeds = Readonly<Record<string, Float32Array>>;

/**
 * Numbers that the largest activation of a part may have, on the CPU. A step's memory grows with it;
 * the smaller it is, the more often comes what each part costs once: the kernels' layout, the sum of the
 * gradients, and a gradient kept for that sum.
 */
const MOST_NUMBERS = 6.4e6;

/** Numbers in the largest tensor that depends on what a graph is fed. */
function largestOfFeeds(graph: Graph): number {
  const fed = new Set<Tensor>();
  for (const { role, tensor } of graph.inputs) if (role === 'feed') fed.add(tensor);
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((tensor) => fed.has(tensor))) outputs.forEach((tensor) => fed.add(tensor));
  }
  return [...fed].reduce((most, { shape }) => Math.max(most, sizeOf(shape)), 0);
}

/** How many images a part of a batch should have at most; a GPU takes any batch whole. */
export function mostImagesAtOnce(model: ModelConfig, device: DeviceName): number {
  if (device !== 'cpu') return Infinity;
  const graph = predictionGraph(model, 1, (g: GraphBuilder) => noting(g, []));
  return Math.max(1, Math.floor(MOST_NUMBERS / largestOfFeeds(graph)));
}

/** As few parts as have at most `most` images. */
export function partsOf(batchSize: number, most: number): BatchParts {
  const count = Math.max(1, Math.ceil(batchSize / most));
  return { count, size: Math.ceil(batchSize / count) };
}

/**
 * Part `index` of what a step is fed, of which each array holds as many numbers an image. Where the
 * parts have more places than the batch has images, its first images fill them with weight 0; and all
 * weights make up for the larger mean.
 */
export function partOfFeeds(
  feeds: Feeds,
  batchSize: number,
  { count, size }: BatchParts,
  index: number,
): Feeds {
  const start = index * size;
  const part = (data: Float32Array) => {
    const each = data.length / batchSize;
    const taken = new Float32Array(size * each);
    taken.set(data.subarray(start * each, (start + size) * each));
    const missing = Math.max(0, start + size - batchSize);
    taken.set(data.subarray(0, missing * each), (size - missing) * each);
    return taken;
  };
  const parts = Object.fromEntries(Object.entries(feeds).map(([name, x]) => [name, part(x)]));
  const scale = (count * size) / batchSize;
  const weights = parts.weights!.map((w, i) => (start + i < batchSize ? w * scale : 0));
  return { ...parts, weights };
}
