import os from 'node:os';
import path from 'node:path';
import { packageVersion, programFiles } from '../core/train/program-files';
import type { Surroundings } from '../core/train/setup';
import { shellWord, shortPath } from './format';

/** Of the package that this bundle's folder lies in. */
export const VERSION = packageVersion(__dirname);

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
    defaultThreads: os.availableParallelism(),
    ...programFiles(__dirname),
  };
}

/** A command to try next, called as this one was. */
export function commandLine(...words: readonly string[]): string {
  const script = process.argv[1] ?? '';
  const program = path.extname(script) === '.js' ? ['node', shortPath(script)] : ['diffusion-lab'];
  return [...program, ...words].map(shellWord).join(' ');
}
