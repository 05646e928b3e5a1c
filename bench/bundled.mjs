import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles programs of this folder, files by the names of their bundles, and runs the first in a process of its
 * own, with whose status it answers.
 */
export async function runBundled(programs, args, env = process.env) {
  const here = import.meta.dirname;
  const outdir = path.join(here, '..', 'dist', 'bench');
  const entries = Object.entries(programs).map(([name, file]) => [name, path.join(here, file)]);
  await build({
    entryPoints: Object.fromEntries(entries),
    outdir,
    bundle: true,
    sourcemap: true,
    logLevel: 'warning',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['onnxruntime-node', 'sharp'],
  });
  const program = path.join(outdir, `${entries[0][0]}.js`);
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit', env });
  return status ?? 1;
}
