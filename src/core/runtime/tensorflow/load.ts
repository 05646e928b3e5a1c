import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import type { Tensorflow } from './api';
import { platformProblem } from './install-protocol';

/** The package that brings TensorFlow's CUDA kernels, and the version that is installed. */
export const PACKAGE = '@tensorflow/tfjs-node-gpu';
export const PACKAGE_VERSION = '4.22.0';

/** How to install it, as a reason ends. */
export const INSTALL_HINT =
  'install it by diffusion-lab install-tensorflow or, in the editor, Diffusion: Install TensorFlow CUDA Runtime';

/** Where the installer puts the package: a folder of its own in the cache. */
export function tensorflowFolder(cacheFolder: string): string {
  return path.join(cacheFolder, 'tensorflow');
}

/** The package's main file: the installer's, or else an ordinary one; null if there is none. */
export function findTensorflow(cacheFolder: string, beside = __filename): string | null {
  const own = path.join(tensorflowFolder(cacheFolder), 'package.json');
  for (const from of [own, beside]) {
    try {
      const found = createRequire(from).resolve(PACKAGE);
      if (existsSync(found)) return found;
    } catch {
      // Not there: the next place.
    }
  }
  return null;
}

/** Functions that the package takes from Node, and Node 23 dropped. */
const DROPPED = {
  isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  isArray: Array.isArray,
};

function giveBackDropped(): void {
  for (const [name, replacement] of Object.entries(DROPPED)) {
    if (!(name in util)) Object.assign(util, { [name]: replacement });
  }
}

/** What the package has besides. */
type Loaded = Tensorflow & { backend(): { readonly isUsingGpuDevice: boolean } };

/**
 * Loads the package.
 *
 * @throws Error with the library's own complaint; `reasons.ts` knows what it means
 */
export function loadTensorflow(cacheFolder: string): Tensorflow {
  const problem = platformProblem();
  if (problem) throw new Error(problem);
  const file = findTensorflow(cacheFolder);
  if (!file) throw new Error(`${PACKAGE} is not installed; ${INSTALL_HINT}`);
  // Warnings stay: they name the CUDA libraries that are missing.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  giveBackDropped();
  const tf = createRequire(file)(file) as Loaded;
  // It would compute on the processor, which is not what the device's name promises.
  if (!tf.backend().isUsingGpuDevice) throw new Error('TensorFlow found no GPU');
  return tf;
}
