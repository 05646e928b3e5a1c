import { readFileSync } from 'node:fs';
import path from 'node:path';
import { env } from '../runtime/onnx/ort';
import type { Surroundings } from './setup';

/** The version in the package that a folder of bundles lies in. */
export function packageVersion(bundles: string): string {
  const file = path.join(bundles, '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The program's own files beside its bundles, and the versions of what it is made of. */
export function programFiles(
  bundles: string,
): Pick<Surroundings, 'workerFile' | 'probeFile' | 'versions'> {
  return {
    workerFile: path.join(bundles, 'data-worker.js'),
    probeFile: path.join(bundles, 'device-probe.js'),
    versions: {
      'diffusion-lab': packageVersion(bundles),
      'onnxruntime-node': env.versions.node ?? env.versions.common,
      node: process.versions.node,
    },
  };
}
