import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { env } from 'onnxruntime-node';
import type { Surroundings } from '../core/train/setup';
import { shellWord, shortPath } from './format';

/** Of the package that this bundle's folder lies in. */
export const VERSION = (
  JSON.parse(readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8')) as {
    version: string;
  }
).version;

/** New runs go there. */
export const RUNS_FOLDER = 'runs';

/** The user's folder for what can be made again. */
function platformCache(): string {
  const home = os.homedir();
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return LOCALAPPDATA || path.join(home, 'AppData', 'Local');
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Caches');
  return XDG_CACHE_HOME || path.join(home, '.cache');
}

/** Where the program's files lie, beside this bundle, and what it may use. */
export function surroundings(): Surroundings {
  return {
    cacheFolder: process.env.DIFFUSION_LAB_CACHE || path.join(platformCache(), 'diffusion-lab'),
    workerFile: path.join(__dirname, 'data-worker.js'),
    probeFile: path.join(__dirname, 'device-probe.js'),
    defaultThreads: os.availableParallelism(),
    versions: {
      'diffusion-lab': VERSION,
      'onnxruntime-node': env.versions.node ?? env.versions.common,
      node: process.versions.node,
    },
  };
}

/** A command to try next, called as this one was. */
export function commandLine(...words: readonly string[]): string {
  const script = process.argv[1] ?? '';
  const program = path.extname(script) === '.js' ? ['node', shortPath(script)] : ['diffusion-lab'];
  return [...program, ...words].map(shellWord).join(' ');
}
