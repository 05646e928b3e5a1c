import { existsSync, mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GraphBuilder } from '../../src/core/graph/builder';
import { OnnxRuntime } from '../../src/core/runtime/onnx/onnx-runtime';

/** Where Debian's Chromium keeps its software Vulkan driver. */
const SOFTWARE_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Lets WebGPU run on a machine without a GPU, where a software Vulkan driver is installed. */
function useSoftwareVulkan(): void {
  if (process.platform !== 'linux' || process.env.VK_ICD_FILENAMES) return;
  if (!existsSync(SOFTWARE_DRIVER)) return;
  process.env.VK_ICD_FILENAMES = SOFTWARE_DRIVER;
  process.env.XDG_RUNTIME_DIR ??= mkdtempSync(path.join(os.tmpdir(), 'vulkan-'));
}

async function openWebgpu(): Promise<OnnxRuntime | null> {
  useSoftwareVulkan();
  const g = new GraphBuilder();
  g.result('sum', g.add(g.feed('x', [1]), 1));
  const runtime = new OnnxRuntime({ device: 'webgpu', threads: 1 });
  try {
    await (await runtime.compile(g.build(), { label: 'probe' })).dispose();
    return runtime;
  } catch (error) {
    if (process.env.CI) throw error;
    process.stderr.write(`WebGPU is not tested: ${String(error)}\n`);
    return null;
  }
}

/** A WebGPU runtime on a real or software device; null where there is none (an error in CI). */
export const webgpu = await openWebgpu();
