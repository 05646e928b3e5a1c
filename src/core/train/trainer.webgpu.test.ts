import { afterAll, describe, expect, it } from 'vitest';
import { bundle } from '../../../test/support/bundles';
import { collect, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { webgpu } from '../../../test/support/webgpu';
import type { TrainingConfig } from '../config/training-config';
import { resume, train } from './trainer';

const scratch = new TrainingScratch();
const { surroundings, runs: runsFolder } = scratch;

afterAll(() => scratch.remove());

describe.runIf(webgpu)('a run on webgpu', () => {
  it('goes from its start to its end, a stop between, with the losses of the cpu', async () => {
    await scratch.prepare();
    await bundle('src/core/runtime/probe.ts', surroundings.probeFile);
    const config: TrainingConfig = {
      ...tinyConfig({
        training: { steps: 4, previewEvery: 4, previewSteps: 2, checkpointEvery: 2 },
      }),
      model: { type: 'tutorial-cnn', hiddenChannels: [4] },
    };
    const onCpu = await collect(train({ config, runsFolder, surroundings }));

    const out = scratch.at('webgpu');
    const controller = new AbortController();
    const onGpu = { ...config, device: 'webgpu' as const };
    const { signal } = controller;
    const first = await collect(
      train({ config: onGpu, out, runsFolder, surroundings, signal }),
      (e) => {
        if (e.type === 'step' && e.step === 2) controller.abort();
      },
    );
    expect(first.of('started')[0]).toMatchObject({
      device: 'webgpu',
      deviceReason: 'as asked for',
    });
    expect(first.of('checkpoint').map(({ step }) => step)).toEqual([2]);
    const second = await collect(resume({ from: out, changes: {}, surroundings }));
    expect(second.of('done')[0]).toMatchObject({ reason: 'finished', steps: 4 });
    expect(second.of('preview')[0]?.images.shape).toEqual([4, 1, 8, 8]);
    const losses = [...first.losses, ...second.losses];
    expect(losses.map(([step]) => step)).toEqual([1, 2, 3, 4]);
    for (const [step, loss] of losses) {
      expect(Math.abs(loss / onCpu.losses.get(step)! - 1)).toBeLessThan(1e-4);
    }
  }, 240_000);
});
