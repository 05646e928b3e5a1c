import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';

/** Bundles a program of this folder and runs it in a process of its own, by whose status it exits. */
export async function runBundled(entry, args, env = process.env) {
  const here = import.meta.dirname;
  const name = entry.split('/')[0];
  const outfile = path.join(here, '..', 'dist', 'bench', `${name}.js`);
  await build({
    entryPoints: [path.join(here, entry)],
    outfile,
    bundle: true,
    sourcemap: true,
    logLevel: 'warning',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['onnxruntime-node', 'sharp'],
  });
  const { status } = spawnSync(process.execPath, [outfile, ...args], { stdio: 'inherit', env });
  return status ?? 1;
}
