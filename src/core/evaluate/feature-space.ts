import path from 'node:path';
import { UserError } from '../base/errors';
import { exists, writeFolderAtomic } from '../base/files';
import { SafetensorsFile, writeSafetensors } from '../checkpoint/safetensors';
import { hashText } from '../data/content-hash';
import type { Weights } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import { agreement, Embedder } from './embed';
import { randomFeatureNet, trainClassifier } from './classifier';
import { featureNetLayout, type FeatureNet } from './feature-net';
import type { LabelledImages } from '../data/images';

/** Raised when the network or its training changes: kept ones are of no use then. */
const VERSION = 1;
const FILE = 'feature_net.safetensors';

/** Where images become features. */
export interface FeatureSpace {
  readonly kind: 'classifier' | 'random';
  readonly embedder: Embedder;
  /** Share of held-out images whose class the classifier tells, 0 … 1; null for a random space. */
  readonly accuracy: number | null;
}

export interface FeatureSpaceRequest {
  readonly runtime: Runtime;
  readonly imageSize: number;
  readonly channels: number;
  /** Number of classes; null where the data set has none. */
  readonly classes: number | null;
  readonly train: LabelledImages;
  readonly heldOut: LabelledImages;
  /** Of the data set. */
  readonly fingerprint: string;
  /** Share of it that is held out: with it, what the training images are. */
  readonly share: number;
  /** Trained networks are kept there. */
  readonly cacheFolder: string;
  readonly signal?: AbortSignal;
}

/** The network of a data set's feature space, and whether it is trained on it. */
export function featureNetOf({
  imageSize,
  channels,
  classes,
}: Pick<FeatureSpaceRequest, 'imageSize' | 'channels' | 'classes'>): {
  readonly net: FeatureNet;
  readonly isTrained: boolean;
} {
  const isTrained = (classes ?? 0) >= 2;
  return { net: { imageSize, channels, classes: isTrained ? classes! : 1 }, isTrained };
}

/**
 * The feature space of a data set: a classifier trained on its training images, kept for the next time;
 * without at least two classes, an untrained network with fixed weights. Yields the share of the training that is
 * done, 0 … 1, after each of its steps.
 *
 * @throws StoppedError when the signal is aborted
 */
export async function* openFeatureSpace(
  request: FeatureSpaceRequest,
): AsyncGenerator<number, FeatureSpace, undefined> {
  const { runtime, heldOut, signal } = request;
  const { net, isTrained } = featureNetOf(request);
  if (!isTrained) {
    const embedder = await Embedder.create(runtime, net, randomFeatureNet(net));
    return { kind: 'random', embedder, accuracy: null };
  }
  const embedder = await Embedder.create(runtime, net, yield* classifierOf(request, net));
  try {
    const { predicted } = await embedder.embed(heldOut.data, signal);
    return { kind: 'classifier', embedder, accuracy: agreement(predicted, heldOut.labels) };
  } catch (error) {
    await embedder.dispose();
    throw error;
  }
}

/** What a trained network is kept under. */
type NetKey = Pick<FeatureSpaceRequest, 'fingerprint' | 'share' | 'cacheFolder'> & {
  /** Images that it is trained on. */
  readonly images: number;
};

function folderOf({ fingerprint, images, share, cacheFolder }: NetKey, net: FeatureNet): string {
  const key = [VERSION, fingerprint, images, share, net];
  const name = hashText(JSON.stringify(key)).slice(0, 32);
  return path.join(cacheFolder, 'features', name);
}

/** Whether a trained network is kept, so that it need not be trained. */
export function isKept(key: NetKey, net: FeatureNet): Promise<boolean> {
  return exists(path.join(folderOf(key, net), FILE));
}

async function* classifierOf(
  request: FeatureSpaceRequest,
  net: FeatureNet,
): AsyncGenerator<number, Weights, undefined> {
  const { train, signal } = request;
  const folder = folderOf({ ...request, images: train.count }, net);
  const kept = await readKept(path.join(folder, FILE), net);
  if (kept) return kept;
  const weights = yield* trainClassifier(request.runtime, net, train, signal);
  await keep(folder, weights);
  return weights;
}

/** Weights that were kept, or null where there are none that fit. */
async function readKept(file: string, net: FeatureNet): Promise<Weights | null> {
  const opened = await SafetensorsFile.open(file).catch(() => null);
  if (!opened) return null;
  try {
    const weights = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for (const { name, shape } of featureNetLayout(net).specs) {
      weights.set(name, { shape, data: await opened.readFloat32(name) });
    }
    return weights;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  } finally {
    await opened.close();
  }
}

/** A network that cannot be kept is trained anew the next time. */
async function keep(folder: string, weights: Weights): Promise<void> {
  const tensors = [...weights].map(([name, { shape, data }]) => ({ name, shape, data }));
  const fill = (place: string) => writeSafetensors(path.join(place, FILE), tensors);
  await writeFolderAtomic(folder, fill, { replace: true }).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
  });
}
