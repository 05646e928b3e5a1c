import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu, evaluate } from '../../../test/support/values';
import { webgpu } from '../../../test/support/webgpu';
import { signatureOf } from '../nn/model';
import { constants } from '../nn/parameters';
import { createDenoiser, oneHotRows, predictionGraph } from './denoiser';
import { openModel, type SampledModel } from './sampling-job';

const FOLDER = path.resolve(import.meta.dirname, '../../../test/fixtures/diffusers');

const NAMES = [
  'legacy',
  'scale-shift',
  'resnet-resampling',
  'fourier',
  'learned',
  'classes',
  'class-timesteps',
  'class-vectors',
];

/** Fewer, since a software GPU takes long to compile a whole net; with a GPU's sines and products. */
const WEBGPU_NAMES = ['resnet-resampling', 'fourier', 'learned'];
const WEBGPU_TIMEOUT_MS = 240_000;

/** The stored labels as what the model's graph is fed. */
function classRows(model: SampledModel, labels: Float32Array): Float32Array {
  const width = signatureOf(model.pipeline.model).classes!;
  return labels.length === 2 ? oneHotRows(labels, width) : labels;
}

async function predict(name: string, runtime = cpu) {
  const model = await openModel(path.join(FOLDER, name));
  const stored = fixtureTensors(`diffusers/${name}.safetensors`);
  const values = (key: string) => stored.get(key)!.data;
  const graph = predictionGraph(model.pipeline.model, 2, (g) => constants(g, model.weights));
  const feeds: Record<string, Float32Array> = {
    sample: values('sample'),
    timesteps: values('timesteps'),
  };
  if (stored.has('labels')) feeds.classes = classRows(model, values('labels'));
  const { prediction } = await evaluate(graph, feeds, runtime);
  return { prediction: prediction!, expected: values('output') };
}

it('a net of log t says that it has no answer at t = 0', async () => {
  const { pipeline, weights } = await openModel(path.join(FOLDER, 'fourier'));
  const denoiser = await createDenoiser(cpu, pipeline.model, weights, 1);
  const xt = new Float32Array(64);
  await expect(denoiser.predict(xt, 0)).rejects.toThrow('no answer at timestep 0');
  expect((await denoiser.predict(xt, 1)).every(Number.isFinite)).toBe(true);
  await denoiser.dispose();
});

it('a net that takes vectors for classes says that none was given', async () => {
  const { pipeline, weights } = await openModel(path.join(FOLDER, 'class-vectors'));
  const denoiser = await createDenoiser(cpu, pipeline.model, weights, 1);
  const prediction = denoiser.predict(new Float32Array(4 * 8 * 12), 5);
  await expect(prediction).rejects.toThrow('takes a vector for a class');
  await denoiser.dispose();
});

describe('a pipeline folder that diffusers wrote gives what diffusers computes from it', () => {
  it.each(NAMES)('%s', async (name) => {
    const { prediction, expected } = await predict(name);
    expect(relativeError(prediction, expected)).toBeLessThan(1e-5);
  });

  it.each(webgpu ? WEBGPU_NAMES : [])(
    '%s on webgpu',
    async (name) => {
      const { prediction, expected } = await predict(name, webgpu!);
      expect(relativeError(prediction, expected)).toBeLessThan(1e-4);
    },
    WEBGPU_TIMEOUT_MS,
  );
});
