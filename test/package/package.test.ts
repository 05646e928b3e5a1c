import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageVsix } from '../../scripts/package.mjs';
import { installVsix } from '../../scripts/vscode-host.mjs';
import { Scratch } from '../support/bundles';

const scratch = new Scratch();
let root: string;
let files: string[];

beforeAll(async () => {
  const vsix = await packageVsix(scratch.path);
  await installVsix(vsix, scratch.at('data'));
  const extensions = scratch.at('data', 'extensions');
  const [name] = readdirSync(extensions).filter((each) => each.startsWith('diffusion-lab'));
  root = path.join(extensions, name!);
  files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .map((file) => file.replaceAll(path.sep, '/'));
});

afterAll(() => scratch.remove());

const natives = () => files.filter((file) => /\.(node|dll|dylib|so)(\.[\d.]+)?$/.test(file));

describe('what is shipped', () => {
  it('has natives of this platform alone', () => {
    const here = new RegExp(`[/-]${process.platform}[/-]${process.arch}[/-]`);
    expect(natives().length).toBeGreaterThanOrEqual(3);
    expect(natives().filter((file) => !here.test(file))).toEqual([]);
  });

  it('has no sources, tests, source maps or tools', () => {
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    const known = /^(dist|media|schemas)\/|^docs\/[^/]+\.md$|^docs\/images\/|^[^/]+$/;
    expect(own.filter((file) => !known.test(file))).toEqual([]);
    expect(files.filter((file) => /\.(ts|map|vsix|cc|h|gyp)$/.test(file))).toEqual([]);
    const packages = new Set(
      files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
    );
    expect([...packages].sort().filter((name) => !name.startsWith('@img/sharp-'))).toEqual([
      '@img/colour',
      'detect-libc',
      'onnxruntime-common',
      'onnxruntime-node',
      'semver',
      'sharp',
    ]);
  });
});

describe('what is owed', () => {
  it('names every package that is bundled or shipped, with its licence', () => {
    const notices = readFileSync(path.join(root, 'THIRD_PARTY_NOTICES.txt'), 'utf8');
    for (const name of [
      'zod',
      'uplot',
      '@vscode/webview-ui-toolkit',
      'onnxruntime-node',
      'sharp',
    ]) {
      expect(notices).toMatch(new RegExp(`^${name} [\\d.]+ \\(\\S+\\)$`, 'm'));
    }
    expect(notices).not.toMatch(/\(undefined\)$/m);
  });
});

describe('what is installed', () => {
  /** The command line out of the package, from a folder that has nothing else. */
  const cli = (...args: string[]) =>
    promisify(execFile)(process.execPath, [path.join(root, 'dist', 'cli.js'), ...args], {
      cwd: scratch.path,
      env: { ...process.env, NODE_PATH: '', DIFFUSION_LAB_CACHE: scratch.at('cache') },
    });

  it('finds its devices', async () => {
    const { stdout } = await cli('devices', '--json');
    expect(stdout).toContain('"cpu"');
  });

  it('trains, and draws with what it learnt', async () => {
    const run = scratch.at('run');
    await cli(
      ...['train', '--dataset', 'digits', '--image-size', '8', '--steps', '2', '--device', 'cpu'],
      ...['--batch-size', '2', '--out', run],
    );
    const grid = scratch.at('grid.png');
    const { stdout } = await cli(
      ...['sample', run, '--count', '1', '--steps', '2', '--solver', 'ddim', '--device', 'cpu'],
      ...['--out', grid, '--json'],
    );
    expect(stdout).toContain('"type":"done"');
    expect(readdirSync(scratch.path)).toContain('grid.png');
  });
});

/**
 * Electron refuses ArrayBuffers over memory that is not V8's. Plain Node does not show it, but what a
 * native file imports does.
 */
describe('natives in Electron', () => {
  const hasNm = spawnSync('nm', ['--version']).status === 0;
  if (!hasNm) process.stderr.write('nm is absent: the imports of native files are not checked.\n');

  it.skipIf(!hasNm || process.platform === 'win32')('hand out no memory of their own', () => {
    const addons = natives().filter((file) => file.endsWith('.node'));
    expect(addons).toHaveLength(2);
    for (const addon of addons) {
      const imports = importsOf(path.join(root, addon));
      expect(imports.length, addon).toBeGreaterThan(10);
      expect(imports, addon).not.toContain('napi_create_external_arraybuffer');
      // sharp copies where it is refused.
      if (!addon.includes('@img/sharp-')) {
        expect(imports, addon).not.toContain('napi_create_external_buffer');
      }
    }
  });
});

/** The N-API functions that a native file takes from the program that loads it. */
function importsOf(file: string): string[] {
  const dynamic = process.platform === 'darwin' ? [] : ['-D'];
  const { stdout } = spawnSync('nm', [...dynamic, '--undefined-only', file], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).at(-1)!.replace(/^_/, ''))
    .filter((name) => name.startsWith('napi_'));
}
