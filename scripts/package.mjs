// npm run package: a VSIX for this platform, with only what it needs at run time.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, fail, install, ROOT } from './setup.mjs';

const TARGET = `${process.platform}-${process.arch}`;

/**
 * Packages what is in dist/.
 *
 * @param {string} folder where the VSIX goes
 * @returns {Promise<string>} its path
 * @throws where a file that is needed is missing
 */
export async function packageVsix(folder) {
  const { layOut } = await import('./package-files.mjs');
  const { createVSIX } = await import('@vscode/vsce');
  const stage = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-package-'));
  try {
    const { name, version } = layOut(stage);
    const vsix = path.join(folder, `${name}-${TARGET}-${version}.vsix`);
    await createVSIX({
      cwd: stage,
      packagePath: vsix,
      target: TARGET,
      rewriteRelativeLinks: false,
      allowMissingRepository: true,
    });
    return vsix;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

async function main() {
  install();
  build();
  try {
    const vsix = await packageVsix(ROOT);
    const megabytes = statSync(vsix).size / 2 ** 20;
    process.stdout.write(`${path.relative(process.cwd(), vsix)}  ${megabytes.toFixed(1)} MiB\n`);
  } catch (error) {
    fail(error.message);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main();
