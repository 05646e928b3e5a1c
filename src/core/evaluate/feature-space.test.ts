import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { drained } from '../base/drained';
import { StoppedError } from '../base/errors';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { Embedder } from './embed';
import { openFeatureSpace } from './feature-space';

const cacheFolder = mkdtempSync(path.join(os.tmpdir(), 'feature-space-'));
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(cacheFolder, { recursive: true, force: true });
});

it('holds no network where its accuracy was not measured to the end', async () => {
  const images = { data: new Float32Array(64 * 2), labels: Int32Array.of(0, 1), count: 2 };
  const stopped = new StoppedError('The work was stopped.');
  vi.spyOn(Embedder.prototype, 'embed').mockRejectedValueOnce(stopped);
  const disposed = vi.spyOn(Embedder.prototype, 'dispose');
  const opening = openFeatureSpace({
    runtime: new OnnxRuntime({ device: 'cpu', threads: 1 }),
    imageSize: 8,
    channels: 1,
    classes: 2,
    train: images,
    heldOut: images,
    fingerprint: 'blank',
    share: 0.5,
    cacheFolder,
  });
  await expect(drained(opening)).rejects.toBe(stopped);
  expect(disposed).toHaveBeenCalledOnce();
});
