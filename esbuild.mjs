// Bundles one file a process into dist/. Native packages stay outside the bundles.
import { build, context } from 'esbuild';

const options = {
  entryPoints: {
    cli: 'src/cli/main.ts',
    'data-worker': 'src/core/data/worker.ts',
    'device-probe': 'src/core/runtime/probe.ts',
  },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: true,
  external: ['onnxruntime-node', 'sharp'],
  logLevel: 'warning',
};

if (process.argv.includes('--watch')) await (await context(options)).watch();
else await build(options);
