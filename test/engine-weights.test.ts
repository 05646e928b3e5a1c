import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SafetensorsFile } from '../src/core/checkpoint/safetensors';
import type { EngineClient } from '../src/engine/client';
import { EngineScratch, failureOf } from './support/engine';

const SAVED = path.resolve(import.meta.dirname, 'fixtures/diffusers');
const FILE = path.join(SAVED, 'scale-shift', 'unet', 'diffusion_pytorch_model.safetensors');

let scratch: EngineScratch;
let client: EngineClient;
beforeAll(async () => {
  scratch = await EngineScratch.build();
  ({ client } = await scratch.start('stop'));
});
afterAll(async () => {
  await scratch.endAll();
  scratch.remove();
});

describe('the engine', () => {
  it('tells what a safetensors file holds', async () => {
    const summary = await client.request('inspectSafetensors', { path: FILE });
    expect(summary).toMatchObject({ path: FILE, metadata: { format: 'pt' } });
    expect(summary.verdict).toMatchObject({
      refusal: null,
      folder: path.join(SAVED, 'scale-shift'),
    });
    expect(summary.tensors[0]).toMatchObject({ name: 'conv_in.bias', dtype: 'F32', shape: [8] });
  });

  it('measures a tensor', async () => {
    const file = await SafetensorsFile.open(FILE);
    const values = await file.readFloat32('conv_in.weight');
    await file.close();
    const request = { path: FILE, tensor: 'conv_in.weight' };
    const statistics = await client.request('tensorStatistics', request);
    expect(statistics).toMatchObject({ count: 216, nans: 0, min: Math.min(...values) });
    expect(statistics.histogram).toBeInstanceOf(Float64Array);
    expect(statistics.histogram.reduce((sum, part) => sum + part)).toBe(216);
  });

  it('compares two nets', async () => {
    const other = path.join(SAVED, 'legacy');
    const comparison = await client.request('compareWeights', { a: FILE, b: other });
    expect(comparison.onlyInA).toEqual([]);
    expect(comparison.otherShapes.map(({ name }) => name)).toContain(
      'mid_block.resnets.0.time_emb_proj.weight',
    );
    expect(comparison.relativeNorm).toBeGreaterThan(0.5);
  });

  it('compares the whole net that a file is a part of', async () => {
    const net = path.join(SAVED, 'classes', 'unet');
    const shard = path.join(net, 'diffusion_pytorch_model-00001-of-00004.safetensors');
    const whole = await client.request('compareWeights', { a: net, b: net });
    const comparison = await client.request('compareWeights', { a: shard, b: shard });
    expect(comparison).toEqual(whole);
    const { tensors } = await client.request('inspectSafetensors', { path: shard });
    expect(comparison.tensors.length).toBeGreaterThan(tensors.length);
  });

  it('says what is wrong with a file in a sentence', async () => {
    const missing = client.request('inspectSafetensors', { path: path.join(SAVED, 'none') });
    expect(await failureOf(missing)).toMatchObject({
      kind: 'user',
      message: expect.stringContaining('no such file') as string,
    });
    const unknown = client.request('tensorStatistics', { path: FILE, tensor: 'horse' });
    expect(await failureOf(unknown)).toMatchObject({
      kind: 'user',
      message: expect.stringContaining('has no tensor horse') as string,
    });
  });
});
