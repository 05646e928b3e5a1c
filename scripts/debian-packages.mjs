// What the tests need from the system: a Chromium for the workbench, and a software GPU for WebGPU.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run } from './setup.mjs';
import { findBrowser } from './vscode-host.mjs';

/** The software driver in Debian's Chromium, and Vulkan's loader. */
const SOFTWARE_VULKAN = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
];
const PACKAGES = ['chromium', 'libvulkan1'];

function isComplete() {
  return findBrowser() !== null && SOFTWARE_VULKAN.every((file) => existsSync(file));
}

/** Installs Debian's packages where they are missing and that is allowed; says so where it is not. */
export function installDebianPackages() {
  if (process.platform !== 'linux' || isComplete()) return;
  const isRoot = process.getuid() === 0;
  const hasApt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isRoot || !hasApt) {
    process.stderr.write(
      'A browser and WebGPU are used only where they are; on Debian, chromium and libvulkan1 bring both.\n',
    );
    return;
  }
  process.stderr.write(`Installing ${PACKAGES.join(' and ')} (once) …\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  const installed =
    run('apt-get', ['update', '-qq'], quiet) &&
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...PACKAGES], quiet);
  if (!installed) process.stderr.write('They could not be installed.\n');
}
