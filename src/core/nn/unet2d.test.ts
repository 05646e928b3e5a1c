import { describe, expect, it } from 'vitest';
import { fixtureJson, fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { webgpu } from '../../../test/support/webgpu';
import { GraphBuilder } from '../graph/builder';
import { gradients } from '../graph/gradient';
import type { Tensor } from '../graph/ops';
import { OnnxRuntime } from '../runtime/onnx/onnx-runtime';
import { buildModel, parametersOf, type ModelConfig } from './model';
import type { ParameterSpec } from './layers';
import { parseUNet2DConfig } from './unet2d-config';

interface UNetFixture {
  readonly config: Record<string, unknown>;
  readonly numParameters: number;
  readonly tensors: Record<string, number[]>;
}

const TOLERANCE = 1e-4;

/** Fewer, since a software GPU takes long to compile a whole net. */
const WEBGPU_NAMES = ['attention', 'scale-shift', 'shortcuts'];
const WEBGPU_TIMEOUT_MS = 240_000;

const NAMES = [
  'plain',
  'attention',
  'one-head',
  'scale-shift',
  'scaled-mid',
  'class-embedding',
  'no-mid-attention',
  'shortcuts',
  'centred',
  'resampled',
];

function modelOf(config: Record<string, unknown>, name: string): ModelConfig {
  return { type: 'unet', config: parseUNet2DConfig(config, name).config };
}

/** Class ids as one-hot rows. */
function oneHot(ids: Float32Array, classes: number): Float32Array {
  const rows = new Float32Array(ids.length * classes);
  ids.forEach((id, i) => (rows[i * classes + id] = 1));
  return rows;
}

/** Norm of the whole stored gradient. Some parts of it are 0 but for rounding: a key's bias has no effect. */
function gradientNorm(stored: ReadonlyMap<string, { data: Float32Array }>): number {
  let sum = 0;
  for (const [key, { data }] of stored) {
    if (key.startsWith('grads.')) sum += data.reduce((total, x) => total + x * x, 0);
  }
  return Math.sqrt(sum);
}

/** A graph of the model's output, its squared error, and the gradients by all parameters. */
function buildFixture(model: ModelConfig, shape: readonly number[], classes: number | null) {
  const g = new GraphBuilder();
  const specs: ParameterSpec[] = [];
  const parameters: Tensor[] = [];
  const source = (spec: ParameterSpec) => {
    const tensor = g.feed(`weights.${spec.name}`, spec.shape);
    specs.push(spec);
    parameters.push(tensor);
    return tensor;
  };
  const batch = shape[0]!;
  const inputs = {
    sample: g.feed('sample', shape),
    timesteps: g.feed('timesteps', [batch]),
    classes: classes === null ? null : g.feed('classes', [batch, classes]),
  };
  const output = buildModel(g, model, inputs, source);
  const error = g.square(g.sub(output, g.feed('target', output.shape)));
  const loss = g.reduceMean(g.flatten(error), [0]);
  g.result('output', output);
  g.result('loss', loss);
  gradients(g, loss, parameters).forEach((gradient, i) =>
    g.result(`grads.${specs[i]!.name}`, gradient),
  );
  return g.build();
}

function expectTensors(model: ModelConfig, tensors: Record<string, number[]>, count: number) {
  const layout = parametersOf(model);
  const shapes = Object.fromEntries(layout.specs.map((spec) => [spec.name, [...spec.shape]]));
  expect(shapes).toEqual(tensors);
  expect(layout.total).toBe(count);
}

async function runFixture(name: string, runtime: OnnxRuntime) {
  const { config } = fixtureJson<UNetFixture>(`unet/${name}.json`);
  const stored = fixtureTensors(`unet/${name}.safetensors`);
  const model = modelOf(config, name);
  const classes = model.type === 'unet' ? model.config.num_class_embeds : null;
  const graph = buildFixture(model, stored.get('sample')!.shape, classes);
  const executable = await runtime.compile(graph, { label: name });
  const feeds: Record<string, Float32Array> = {};
  for (const [key, { data }] of stored) feeds[key] = data;
  if (classes !== null) feeds.classes = oneHot(stored.get('classLabels')!.data, classes);
  const results = await executable.run(feeds);
  await executable.dispose();
  return { stored, results };
}

describe('U-Net against UNet2DModel of diffusers', () => {
  const cpu = new OnnxRuntime({ device: 'cpu', threads: 1 });

  it.each(NAMES)('%s: names and shapes of all tensors', (name) => {
    const { config, numParameters, tensors } = fixtureJson<UNetFixture>(`unet/${name}.json`);
    expectTensors(modelOf(config, name), tensors, numParameters);
  });

  const runs = [
    ...NAMES.map((name) => ({ name, device: 'cpu', runtime: cpu })),
    ...(webgpu ? WEBGPU_NAMES.map((name) => ({ name, device: 'webgpu', runtime: webgpu! })) : []),
  ];
  it.each(runs)(
    '$name on $device: output, loss and every gradient',
    async ({ name, runtime }) => {
      const { stored, results } = await runFixture(name, runtime);
      const floor = 1e-3 * gradientNorm(stored);
      for (const [key, value] of Object.entries(results)) {
        const least = key.startsWith('grads.') ? floor : 0;
        expect(relativeError(value, stored.get(key)!.data, least), key).toBeLessThan(TOLERANCE);
      }
    },
    WEBGPU_TIMEOUT_MS,
  );

  it.each(fixtureJson<(UNetFixture & { name: string })[]>('unet/keys.json'))(
    '$name: names and shapes of all tensors',
    ({ name, config, numParameters, tensors }) => {
      expectTensors(modelOf(config, name), tensors, numParameters);
    },
  );
});
