import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const ROOT = path.resolve(__dirname, '../..');
const NATIVE = ['onnxruntime-node', 'sharp'];

/**
 * Bundles a source file, as the build does, into a file of its own.
 *
 * @param source relative to the repository
 */
export async function bundle(source: string, outfile: string): Promise<string> {
  await build({
    entryPoints: [path.join(ROOT, source)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // A bundle outside the repository finds the native packages by their paths.
    alias: Object.fromEntries(NATIVE.map((name) => [name, path.join(ROOT, 'node_modules', name)])),
    external: NATIVE.map((name) => path.join(ROOT, 'node_modules', name)),
    logLevel: 'error',
  });
  return outfile;
}

/** A folder for one test file, removed by `remove`. */
export class Scratch {
  readonly path = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-test-'));

  at(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
