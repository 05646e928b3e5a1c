// Writes schemas/training.schema.json anew from the schema that the core checks by (npm run schema).
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './setup.mjs';

const folder = path.join(ROOT, '.vscode-test', 'schema');
mkdirSync(folder, { recursive: true });
const outfile = path.join(folder, 'generate.mjs');
await build({
  entryPoints: [path.join(ROOT, 'schemas', 'generate.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['prettier'],
});
process.chdir(ROOT);
await import(pathToFileURL(outfile).href);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
