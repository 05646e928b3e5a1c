// Measures training, sampling and what is around them, against PyTorch; see README.md.
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

const here = import.meta.dirname;
const outdir = path.join(here, '..', 'dist', 'bench');
await build({
  entryPoints: { main: path.join(here, 'main.ts'), ours: path.join(here, 'ours', 'main.ts') },
  outdir,
  bundle: true,
  sourcemap: true,
  logLevel: 'warning',
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['onnxruntime-node', 'sharp'],
});
const program = [path.join(outdir, 'main.js'), ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, program, { stdio: 'inherit' });
process.exit(status ?? 1);
