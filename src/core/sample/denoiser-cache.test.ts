import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpu } from '../../../test/support/values';
import type { Runtime } from '../runtime/runtime';
import { DenoiserCache } from './denoiser-cache';
import { openModel, sampleImages } from './sampling-job';

const PIPELINE = path.resolve(__dirname, '../../../test/fixtures/sample/pipeline');

/** A runtime that notes what it compiles and what of it is disposed. */
function noting() {
  const compiled: string[] = [];
  const disposed: string[] = [];
  const runtime: Runtime = {
    device: cpu.device,
    description: cpu.description,
    createState: (initial) => cpu.createState(initial),
    async compile(graph, options) {
      compiled.push(options.label);
      const executable = await cpu.compile(graph, options);
      return {
        run: (feeds, state) => executable.run(feeds, state),
        async dispose() {
          disposed.push(options.label);
          await executable.dispose();
        },
      };
    },
  };
  return { runtime, compiled, disposed };
}

describe('DenoiserCache', () => {
  it('compiles a model once for a number of images, over samplings', async () => {
    const model = await openModel(PIPELINE);
    const { runtime, compiled, disposed } = noting();
    const cache = new DenoiserCache(runtime);
    for (const seed of [1, 2]) {
      const events = sampleImages(cache, model, { count: 2, seed, solver: 'ddim', steps: 1 });
      for await (const event of events) expect(event.type).toMatch(/frame|done/);
    }
    expect(compiled).toEqual(['Sampling 2 images']);
    expect(disposed).toEqual([]);
    await cache.dispose();
    expect(disposed).toEqual(['Sampling 2 images']);
  });

  it('lets the model used longest ago go', async () => {
    const { pipeline, weights } = await openModel(PIPELINE);
    const { runtime, compiled, disposed } = noting();
    const cache = new DenoiserCache(runtime, 2);
    for (const count of [1, 2, 1, 3, 1]) await cache.get(pipeline.model, weights, count);
    expect(compiled).toEqual(['Sampling 1 images', 'Sampling 2 images', 'Sampling 3 images']);
    expect(disposed).toEqual(['Sampling 2 images']);
    await cache.dispose();
  });
});
