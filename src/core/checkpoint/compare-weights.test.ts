import { cpSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { editTensors } from '../../../test/support/bad-files';
import { compareWeights } from './compare-weights';
import { judgeFolder } from './diffusers-verdict';
import { inspectSafetensors } from './inspect';
import { wholeNetOf } from './net-weights';
import { SafetensorsFile } from './safetensors';

const SAVED = path.resolve(import.meta.dirname, '../../../test/fixtures/diffusers');
const WEIGHTS = path.join('unet', 'diffusion_pytorch_model.safetensors');
const folder = mkdtempSync(path.join(os.tmpdir(), 'compare-'));
const copy = path.join(folder, 'copy');
beforeAll(() => cpSync(path.join(SAVED, 'legacy'), copy, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('finds two copies the same, whatever their attention tensors are called', async () => {
  editTensors(path.join(copy, WEIGHTS), (tensors) => {
    for (const [name, tensor] of [...tensors]) {
      tensors.delete(name);
      tensors.set(name.replace('.query.', '.to_q.'), tensor);
    }
  });
  const comparison = await compareWeights(path.join(SAVED, 'legacy'), path.join(copy, WEIGHTS));
  expect(comparison).toMatchObject({ onlyInA: [], onlyInB: [], otherShapes: [], relativeNorm: 0 });
  expect(comparison.tensors.every(({ different }) => different === 0)).toBe(true);
  expect(comparison.tensors.length).toBeGreaterThan(60);
});

it('says which tensors differ, by how much, and which are not in both', async () => {
  const changed = path.join(folder, 'changed');
  cpSync(path.join(SAVED, 'scale-shift'), changed, { recursive: true });
  editTensors(path.join(changed, WEIGHTS), (tensors) => {
    const bias = tensors.get('conv_in.bias')!.data;
    bias.writeFloatLE(bias.readFloatLE(4) + 3, 4);
    tensors.get('conv_out.bias')!.data.writeFloatLE(NaN);
    tensors.get('conv_in.weight')!.shape = [8, 27];
    tensors.delete('conv_norm_out.bias');
    tensors.set('horse', { dtype: 'F32', shape: [1], data: Buffer.alloc(4) });
  });
  const comparison = await compareWeights(path.join(SAVED, 'scale-shift'), changed);
  expect(comparison.onlyInA).toEqual(['conv_norm_out.bias']);
  expect(comparison.onlyInB).toEqual(['horse']);
  expect(comparison.otherShapes).toEqual([{ name: 'conv_in.weight', a: [8, 3, 3, 3], b: [8, 27] }]);
  const of = (wanted: string) => comparison.tensors.find(({ name }) => name === wanted)!;
  expect(of('conv_in.bias')).toMatchObject({ different: 1, count: 8 });
  expect(of('conv_in.bias').maxDifference).toBeCloseTo(3, 5);
  const norm = await normOf('conv_in.bias');
  expect(of('conv_in.bias').relativeNorm).toBeCloseTo(3 / norm, 5);
  expect(of('conv_out.bias')).toMatchObject({ different: 1, maxDifference: NaN });
  expect(of('conv_out.weight')).toMatchObject({ different: 0, maxDifference: 0, relativeNorm: 0 });
});

async function normOf(name: string): Promise<number> {
  const file = await SafetensorsFile.open(path.join(SAVED, 'scale-shift', WEIGHTS));
  const values = await file.readFloat32(name);
  await file.close();
  return Math.hypot(...values);
}

it('compares shards, and refuses what are no weights', async () => {
  const sharded = path.join(SAVED, 'classes');
  expect(await compareWeights(sharded, path.join(sharded, 'unet'))).toMatchObject({
    relativeNorm: 0,
  });
  const index = path.join(sharded, 'unet', 'diffusion_pytorch_model.safetensors.index.json');
  expect((await compareWeights(index, sharded)).a).toBe(index);
  await expect(compareWeights(sharded, path.join(SAVED, 'README.md'))).rejects.toThrow(
    'README.md is no safetensors file; give one',
  );
  await expect(compareWeights(sharded, path.join(SAVED, 'none'))).rejects.toThrow('does not exist');
});

it('finds the net that a file is a part of, by the index that names it', async () => {
  const sharded = path.join(folder, 'sharded');
  cpSync(path.join(SAVED, 'classes', 'unet'), sharded, { recursive: true });
  const at = (name: string) => path.join(sharded, name);
  const [plain, variant] = ['safetensors.index', 'safetensors.index.fp16'].map((kind) =>
    at(`diffusion_pytorch_model.${kind}.json`),
  ) as [string, string];
  const shard = at('diffusion_pytorch_model-00002-of-00004.safetensors');
  expect(await wholeNetOf(shard)).toBe(plain);
  expect(await wholeNetOf(plain)).toBe(plain);
  renameSync(plain, variant);
  expect(await wholeNetOf(shard)).toBe(variant);
  expect((await compareWeights(variant, path.join(SAVED, 'classes'))).relativeNorm).toBe(0);
  const other = at('other-00001-of-00002.safetensors');
  expect(await wholeNetOf(other)).toBe(other);
  rmSync(at('diffusion_pytorch_model-00003-of-00004.safetensors'));
  await expect(wholeNetOf(shard)).rejects.toThrow(/names the file .*-00003-of-.* is missing/);
  rmSync(variant);
  expect(await wholeNetOf(shard)).toBe(shard);
});

it('judges a file’s folder as diffusers would', async () => {
  const judged = (...parts: string[]) => judgeFolder(path.join(...parts));
  expect(await judged(SAVED, 'legacy', WEIGHTS)).toEqual({
    folder: path.join(SAVED, 'legacy'),
    refusal: null,
    warnings: [],
  });
  const shard = 'diffusion_pytorch_model-00002-of-00004.safetensors';
  expect((await judged(SAVED, 'classes', 'unet', shard)).refusal).toBeNull();
  expect((await judged(SAVED, 'legacy.safetensors')).refusal).toContain('no config.json beside');
  expect((await judged(folder, 'changed', WEIGHTS)).refusal).toContain(
    'lacks the tensor conv_norm_out.bias, and has the tensor horse',
  );
  expect((await judged(SAVED, 'legacy', 'unet', 'other.safetensors')).refusal).toBe(
    'diffusers reads diffusion_pytorch_model.safetensors there, not other.safetensors.',
  );
});

it('tells what a file holds', async () => {
  const file = path.join(SAVED, 'class-timesteps', WEIGHTS);
  const summary = await inspectSafetensors(file);
  expect(summary).toMatchObject({ path: file, metadata: { format: 'pt' }, bytes: 48102 });
  expect(summary.tensors.find(({ name }) => name === 'conv_in.weight')).toMatchObject({
    dtype: 'BF16',
    shape: [8, 3, 3, 3],
    byteLength: 432,
  });
});
