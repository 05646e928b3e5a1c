import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../base/errors';
import { exists, makeFolder, removeLeftovers, withFile, writeFolderAtomic } from '../../base/files';
import { platformProblem } from './install-protocol';
import { PACKAGE, PACKAGE_VERSION, tensorflowFolder } from './load';
import { findNpm, runNpm, type Npm } from './npm';

export interface InstallOptions {
  readonly cacheFolder: string;
  /** Told what npm is about, a line at a time. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** The package is fetched by its own install script, which npm may be told not to run. */
const NPM_ARGS = [
  'install',
  '--ignore-scripts=false',
  '--foreground-scripts',
  '--loglevel=http',
  '--no-progress',
  '--no-audit',
  '--no-fund',
];

const MANIFEST = {
  private: true,
  dependencies: { [PACKAGE]: PACKAGE_VERSION },
  allowScripts: { [PACKAGE]: true },
};

const REASONS: readonly (readonly [RegExp, (match: RegExpExecArray) => string])[] = [
  [
    /getaddrinfo \w+ ([\w.-]+)|connect E\w+ ([\w.:-]+)/,
    ([, name, address]) => `${name ?? address} cannot be reached from here`,
  ],
  [/ENOSPC/, () => 'the disk is full'],
  [/EACCES|EPERM/, () => 'permission is denied'],
  [/^(?:npm (?:error|ERR!) )?(?:\w*Error|notarget)[: ]+(.+)$/m, ([, message]) => message!],
  [/^npm (?:error|ERR!) (?!code|path|command|A complete log)(.+)$/m, ([, message]) => message!],
];

function reasonIn(output: string): string | null {
  for (const [pattern, reason] of REASONS) {
    const match = pattern.exec(output);
    if (match) return reason(match).trim().replace(/\.$/, '');
  }
  return null;
}

function failure(reason: string): UserError {
  return new UserError(
    `TensorFlow could not be installed: ${reason}; nothing was kept, so mend that and try again.`,
  );
}

/** Whether the package's native part is there: its script may fail and end well. */
function isWhole(folder: string): boolean {
  const lib = path.join(folder, 'node_modules', PACKAGE, 'lib');
  if (!existsSync(lib)) return false;
  return readdirSync(lib).some((name) => existsSync(path.join(lib, name, 'tfjs_binding.node')));
}

async function fill(folder: string, npm: Npm, { onProgress, signal }: InstallOptions) {
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(MANIFEST, null, 2));
  const args = [...NPM_ARGS, '--prefix', folder];
  const { code, output } = await runNpm(npm, args, folder, onProgress, signal);
  if (code !== 0) throw failure(reasonIn(output) ?? `npm ended with code ${code}`);
  if (!isWhole(folder)) {
    throw failure(reasonIn(output) ?? 'npm did not fetch the native part of the package');
  }
}

/**
 * Installs `@tensorflow/tfjs-node-gpu` into the cache folder by the user's npm, in place of what was
 * installed before. What fails or is stopped leaves nothing, and leaves what was there.
 *
 * @returns the folder
 * @throws UserError with the reason; StoppedError when `signal` is aborted
 */
export async function installTensorflow(options: InstallOptions): Promise<string> {
  const problem = platformProblem();
  if (problem) throw new UserError(`${problem}; use another device, such as webgpu.`);
  const npm = findNpm();
  if (!npm) {
    throw new UserError(
      'TensorFlow is installed by npm, which was not found: install Node.js from nodejs.org, with npm in the PATH, and try again.',
    );
  }
  const { cacheFolder } = options;
  if (!(await exists(cacheFolder))) {
    await withFile('make the folder', cacheFolder, () => makeFolder(cacheFolder));
  }
  await removeLeftovers(cacheFolder);
  const folder = tensorflowFolder(cacheFolder);
  await writeFolderAtomic(folder, (temporary) => fill(temporary, npm, options), {
    doing: 'install TensorFlow into',
    replace: true,
  });
  return folder;
}
