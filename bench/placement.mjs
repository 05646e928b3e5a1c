// Which provider runs each node of each case on WebGPU; see README.md.
//   node bench/placement.mjs [--only b] [--images 2] [--software] [--json file]
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runBundled } from './bundled.mjs';

const args = process.argv.slice(2);
const scratch = mkdtempSync(path.join(os.tmpdir(), 'vulkan-'));
// Debian's Chromium brings a software Vulkan driver.
const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const software = { VK_ICD_FILENAMES: driver, XDG_RUNTIME_DIR: scratch };
const env = args.includes('--software') ? { ...process.env, ...software } : process.env;
const passed = args.filter((arg) => arg !== '--software');
const status = await runBundled({ placement: 'placement/main.ts' }, passed, env);
rmSync(scratch, { recursive: true, force: true });
process.exit(status);
