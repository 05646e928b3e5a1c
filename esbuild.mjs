// Bundles one file a process into dist/, and one a view into dist/webview/. Native packages stay outside.
import { writeFileSync } from 'node:fs';
import { build, context } from 'esbuild';

const common = { bundle: true, sourcemap: true, metafile: true, logLevel: 'warning' };

const processes = {
  ...common,
  entryPoints: {
    cli: 'src/cli/main.ts',
    engine: 'src/engine/main.ts',
    'engine-compute': 'src/engine/compute/main.ts',
    extension: 'src/extension/extension.ts',
    'data-worker': 'src/core/data/worker.ts',
    'device-probe': 'src/core/runtime/probe.ts',
    'tensorflow-install': 'src/core/runtime/tensorflow/install-process.ts',
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
    safetensors: 'webview/safetensors/main.ts',
  },
  outdir: 'dist/webview',
  platform: 'browser',
  target: 'es2022',
  format: 'esm',
  minify: true,
};

/** Names of the packages that went into bundles, for their notices. */
function packagesIn(results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const names = inputs.map((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))].sort();
}

const bundles = [processes, views];
if (process.argv.includes('--watch')) {
  for (const bundle of bundles) await (await context(bundle)).watch();
} else {
  const results = await Promise.all(bundles.map((bundle) => build(bundle)));
  writeFileSync('dist/packages.json', JSON.stringify(packagesIn(results), null, 2));
}
