import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modelFacts } from './model-facts';

const PIPELINE = path.resolve(import.meta.dirname, '../../../test/fixtures/sample/pipeline');
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'model-facts-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** The fixture's folder with a scheduler of another class. */
function pipelineWith(scheduler: Record<string, unknown>): string {
  const folder = path.join(scratch, JSON.stringify(scheduler).replace(/\W+/g, '-'));
  cpSync(PIPELINE, folder, { recursive: true });
  const file = path.join(folder, 'scheduler', 'scheduler_config.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...json, ...scheduler }));
  return folder;
}

it.each([
  [{ _class_name: 'EulerDiscreteScheduler' }, { own: 'euler', taken: 'euler' }],
  [{ _class_name: 'UniPCMultistepScheduler' }, { own: 'unipc', taken: 'unipc' }],
  [
    { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'sde-dpmsolver++' },
    { own: 'sde-dpmsolver++', taken: 'sde-dpmsolver++' },
  ],
  [{ _class_name: 'DDPMScheduler' }, { own: 'ddpm', taken: 'ddim' }],
  [{ _class_name: 'FlowScheduler' }, { own: null, taken: 'ddim' }],
])('a model is drawn with what its folder names: %j', async (scheduler, solver) => {
  expect((await modelFacts(pipelineWith(scheduler))).solver).toEqual(solver);
});
