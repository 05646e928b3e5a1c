import { truncateSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoppedError, UserError } from '../base/errors';
import { makeBatch } from './batch';
import { openBatches, type BatchOptions } from './batches';
import { openSource } from './open';
import { openReader } from './reader';
import { plain, TempFolder } from './testing';

const temp = new TempFolder();
const workerFile = temp.at('data-worker.js');
const cacheFolder = temp.at('cache');
const recipe = { batchSize: 8, timesteps: 50, seed: 3, horizontalFlip: true };

async function optionsFor(spec: string): Promise<BatchOptions> {
  const source = await openSource(spec, { cacheFolder });
  return { ...recipe, source, firstIndex: 0, workerFile };
}

beforeAll(async () => {
  await build({
    entryPoints: [path.join(import.meta.dirname, 'worker.ts')],
    outfile: workerFile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['onnxruntime-node', 'sharp'],
  });
  for (let i = 0; i < 5; i++) {
    temp.write(
      `set/${i}.png`,
      await plain(8, 8, [50 * i, 0, 0])
        .png()
        .toBuffer(),
    );
  }
});
afterAll(() => temp.remove());

describe('openBatches', () => {
  it.each(['digits', 'set'])('gives the batches of makeBatch, in order: %s', async (name) => {
    const options = await optionsFor(name === 'set' ? temp.at('set') : name);
    const reader = openReader(options.source);
    const batches = openBatches(options);
    for (let index = 0; index < 8; index++) {
      const batch = await batches.next();
      expect(batch).toEqual(makeBatch(reader, options, index));
      batches.recycle(batch);
    }
    await batches.close();
    reader.close();
  });

  it('starts at any index, as a resumed run does', async () => {
    const options = await optionsFor('digits');
    const batches = openBatches({ ...options, firstIndex: 5000 });
    const reader = openReader(options.source);
    const [first, second] = await Promise.all([batches.next(), batches.next()]);
    expect(first).toEqual(makeBatch(reader, options, 5000));
    expect(second).toEqual(makeBatch(reader, options, 5001));
    await batches.close();
  });

  it('fills recycled arrays again: a long run allocates a handful', async () => {
    const batches = openBatches({ ...(await optionsFor('digits')), prefetch: 2 });
    let reused = 0;
    for (let i = 0; i < 50; i++) {
      const batch = await batches.next();
      const buffer = batch.images.buffer as ArrayBuffer & { mark?: boolean };
      batches.recycle(batch);
      await batches.next().then((next) => {
        if (buffer.byteLength === 0) reused++;
        batches.recycle(next);
      });
    }
    await batches.close();
    // A buffer that was transferred back to the thread is empty here.
    expect(reused).toBeGreaterThan(45);
  });

  it('rejects with a UserError where the decoded images are gone', async () => {
    const options = await optionsFor(temp.at('set'));
    rmSync(cacheFolder, { recursive: true });
    const batches = openBatches(options);
    await expect(batches.next()).rejects.toThrow(UserError);
    await expect(batches.next()).rejects.toThrow(/missing or damaged; start again/);
    await batches.close();
  });

  it('rejects with a UserError where the decoded images are cut short during the run', async () => {
    const options = await optionsFor(temp.at('set'));
    const batches = openBatches({ ...options, prefetch: 1 });
    await batches.next();
    if (options.source.origin.kind === 'cache') truncateSync(options.source.origin.file, 100);
    const drain = async () => {
      for (;;) await batches.next();
    };
    await expect(drain()).rejects.toThrow(/missing or damaged/);
    await batches.close();
  });

  it.each([
    ['throws', 'throw new Error("broken worker");', /broken worker/],
    ['exits', 'process.exit(3);', /exit code 3/],
    ['ends', '', /exit code 0/],
  ])('rejects, and never hangs, where the thread %s', async (_, code, message) => {
    const options = await optionsFor('digits');
    const batches = openBatches({ ...options, workerFile: temp.write('broken.js', code) });
    const waiting = [batches.next(), batches.next()];
    for (const next of waiting) await expect(next).rejects.toThrow(message);
    await expect(batches.next()).rejects.toThrow(message);
    await batches.close();
  });

  it('rejects where there is no worker file', async () => {
    const options = await optionsFor('digits');
    const batches = openBatches({ ...options, workerFile: temp.at('absent.js') });
    await expect(batches.next()).rejects.toThrow(/absent\.js/);
    await batches.close();
  });

  it('rejects what waits, and what asks later, with a StoppedError after close', async () => {
    const batches = openBatches({ ...(await optionsFor('digits')), batchSize: 4096 });
    const waiting = batches.next();
    const seen = expect(waiting).rejects.toThrow(StoppedError);
    await batches.close();
    await seen;
    await expect(batches.next()).rejects.toThrow(StoppedError);
  });
});
