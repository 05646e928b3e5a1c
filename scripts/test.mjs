// npm test: installs what is missing, then runs the compiler, the linter and all tests.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, fail, install, run } from './setup.mjs';

const SOFTWARE_VULKAN = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
];

/** WebGPU on a machine without a GPU: the software driver in Debian's Chromium, and Vulkan's loader. */
function installSoftwareVulkan() {
  if (process.platform !== 'linux' || SOFTWARE_VULKAN.every((file) => existsSync(file))) return;
  const isRoot = process.getuid() === 0;
  const hasApt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isRoot || !hasApt) {
    process.stderr.write(
      'WebGPU is tested only where it works; on Debian, chromium and libvulkan1 bring a software driver.\n',
    );
    return;
  }
  process.stderr.write('Installing chromium and libvulkan1, for WebGPU without a GPU (once) …\n');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] };
  const installed =
    run('apt-get', ['update', '-qq'], quiet) &&
    run(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'libvulkan1'],
      quiet,
    );
  if (!installed) process.stderr.write('They could not be installed; WebGPU may stay untested.\n');
}

function bin(name) {
  return path.join('node_modules', '.bin', name);
}

function check(what, command, args) {
  process.stderr.write(`${what} …\n`);
  if (!run(command, args)) fail(`${what} failed; see above.`);
}

function unitTests() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-'));
  const report = path.join(folder, 'report.json');
  const ok = run(bin('vitest'), [
    'run',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ]);
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;
  rmSync(folder, { recursive: true, force: true });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = counts ?? {};
  process.stdout.write(
    `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`,
  );
  return ok && numPassedTests > 0;
}

install();
installSoftwareVulkan();
build();
check('Types', bin('tsc'), ['--noEmit']);
check('Lint', bin('eslint'), ['.']);
check('Format', bin('prettier'), ['--check', '--log-level=warn', '.']);
process.exit(unitTests() ? 0 : 1);
