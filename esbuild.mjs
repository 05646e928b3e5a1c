// Bundles one file a process into dist/, and one a view into dist/webview/. Native packages stay outside.
import { build, context } from 'esbuild';

const common = { bundle: true, sourcemap: true, logLevel: 'warning' };

const processes = {
  ...common,
  entryPoints: {
    cli: 'src/cli/main.ts',
    engine: 'src/engine/main.ts',
    'engine-compute': 'src/engine/compute/main.ts',
    extension: 'src/extension/extension.ts',
    'data-worker': 'src/core/data/worker.ts',
    'device-probe': 'src/core/runtime/probe.ts',
  },
  outdir: 'dist',
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['onnxruntime-node', 'sharp', 'vscode'],
};

const views = {
  ...common,
  entryPoints: {
    training: 'webview/training/main.ts',
    samples: 'webview/samples/main.ts',
    noising: 'webview/noising/main.ts',
  },
  outdir: 'dist/webview',
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  minify: true,
};

const bundles = [processes, views];
if (process.argv.includes('--watch')) {
  for (const bundle of bundles) await (await context(bundle)).watch();
} else {
  await Promise.all(bundles.map((bundle) => build(bundle)));
}
