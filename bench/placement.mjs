// Which provider runs each node of each case on WebGPU; see README.md.
//   node bench/placement.mjs [--only b] [--images 2] [--software] [--json file]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const outfile = path.join(here, '..', 'dist', 'bench', 'placement.js');
await build({
  entryPoints: [path.join(here, 'placement', 'main.ts')],
  outfile,
  bundle: true,
  logLevel: 'warning',
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['onnxruntime-node', 'sharp'],
});
const args = process.argv.slice(2);
const scratch = mkdtempSync(path.join(os.tmpdir(), 'vulkan-'));
// Debian's Chromium brings a software Vulkan driver.
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const software = { VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: scratch };
const env = args.includes('--software') ? { ...process.env, ...software } : process.env;
const program = [outfile, ...args.filter((arg) => arg !== '--software')];
const { status } = spawnSync(process.execPath, program, { stdio: 'inherit', env });
rmSync(scratch, { recursive: true, force: true });
process.exit(status ?? 1);
