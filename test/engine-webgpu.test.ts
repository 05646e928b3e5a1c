import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineScratch, lossesOf, state } from './support/engine';
import { webgpu } from './support/webgpu';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterAll(async () => {
  await scratch.endAll();
  scratch.remove();
});

describe.runIf(webgpu)('the engine on webgpu', () => {
  it('trains with the losses of the cpu, samples, and ends in order', async () => {
    const { client, exited } = await scratch.start();
    const model = { type: 'tutorial-cnn', hiddenChannels: [4] };
    const training = { steps: 3, previewEvery: 3, previewSteps: 2, checkpointEvery: 0 };
    const runs: string[] = [];
    for (const device of ['cpu', 'webgpu']) {
      const finished = state(client, 'finished');
      const request = scratch.request(training, { model, device });
      const status = await client.request('train', request);
      expect(status.device.startsWith(device)).toBe(true);
      await finished;
      runs.push(status.run!);
    }
    const [onCpu, onGpu] = await Promise.all(runs.map(lossesOf));
    expect(onGpu).toHaveLength(3);
    onGpu!.forEach((loss, i) => expect(Math.abs(loss / onCpu![i]! - 1)).toBeLessThan(1e-4));
    const request = { job: 'job', model: runs[1]!, count: 2, seed: 7, solver: 'ddim' } as const;
    const sampled = await client.request('sample', { ...request, steps: 2, device: 'webgpu' });
    expect(sampled).toMatchObject({ device: 'webgpu', images: { count: 2, width: 8 } });
    await client.request('shutdown', undefined);
    expect(await exited).toEqual({ code: 0, signal: null });
  }, 240_000);
});
