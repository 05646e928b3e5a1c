import { describe, expect, it } from 'vitest';
import { fixtureJson } from '../../../test/support/fixtures';
import { drawn, evaluate } from '../../../test/support/values';
import { GraphBuilder } from '../graph/builder';
import { sizeOf, type Shape } from '../graph/shape';
import type { Tensor } from '../graph/ops';
import { Layers, type ParameterSpec } from './layers';
import { buildModel, parametersOf, type ModelConfig } from './model';
import { constants, initialise, layOut, noting, pack, slicing, unpack } from './parameters';
import { parseUNet2DConfig, smallUNet } from './unet2d-config';

type Form =
  | { readonly distribution: 'uniform'; readonly bound: number; readonly std: number }
  | { readonly distribution: 'normal'; readonly mean: number; readonly std: number }
  | { readonly distribution: 'constant'; readonly value: number; readonly std: number };

interface StoredTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly form: Form;
}

interface Stored {
  readonly layers: readonly {
    readonly name: string;
    readonly module: string;
    readonly tensors: Readonly<Record<string, Omit<StoredTensor, 'name'>>>;
  }[];
  readonly unet: readonly StoredTensor[];
}

const stored = fixtureJson<Stored>('init/init.json');

/** Holds values to the form: mean, deviation and bounds within their sampling errors. */
function expectForm(values: Float32Array, form: Form, name: string): void {
  const count = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  const spread = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count);
  if (form.distribution === 'constant') {
    expect(new Set(values), name).toEqual(new Set([form.value]));
    return;
  }
  const centre = form.distribution === 'normal' ? form.mean : 0;
  expect(Math.abs(mean - centre), `mean of ${name}`).toBeLessThan(
    (5 * form.std) / Math.sqrt(count),
  );
  if (count < 30) return;
  const ratio = spread / form.std;
  expect(Math.abs(ratio - 1), `deviation of ${name}`).toBeLessThan(5 / Math.sqrt(count));
  if (form.distribution === 'normal') return;
  const furthest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect(furthest, `bound of ${name}`).toBeLessThanOrEqual(form.bound * (1 + 1e-6));
  expect(furthest, `bound of ${name}`).toBeGreaterThan(form.bound * (1 - 10 / count));
}

/** The layer of ours that makes what a module of PyTorch makes, from that module's own words. */
function applyLayer(l: Layers, module: string): void {
  const [, kind, list] = /^nn\.(\w+)\(([\d, ]+)\)$/.exec(module)!;
  const [a, b, kernel] = list!.split(',').map(Number) as [number, number, number?];
  const { g } = l;
  if (kind === 'Conv2d') l.conv(g.feed('x', [1, a, 4, 4]), b, { kernel });
  else if (kind === 'Linear') l.linear(g.feed('x', [1, a]), b);
  else if (kind === 'Embedding') l.embedding(g.feed('x', [1, a]), b);
  else if (kind === 'GroupNorm') l.groupNorm(g.feed('x', [1, b, 4, 4]), a, 1e-5);
  else throw new Error(`no layer for ${module}`);
}

describe('initial values', () => {
  it.each(stored.layers)('of $module are distributed as PyTorch’s', ({ module, tensors }) => {
    const g = new GraphBuilder();
    const specs: ParameterSpec[] = [];
    applyLayer(new Layers(g, noting(g, specs), null, 'layer'), module);
    const layout = layOut(specs);
    const values = unpack(layout, initialise(layout, 1));
    expect([...values.keys()].sort()).toEqual(
      Object.keys(tensors)
        .map((name) => `layer.${name}`)
        .sort(),
    );
    for (const [name, { shape, form }] of Object.entries(tensors)) {
      const ours = values.get(`layer.${name}`)!;
      expect(ours.shape).toEqual(shape);
      expectForm(ours.data, form, name);
    }
  });

  it('of a whole U-Net are distributed as those of UNet2DModel', () => {
    const json = {
      sample_size: 32,
      layers_per_block: 1,
      block_out_channels: [64, 128],
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
      num_class_embeds: 10,
    };
    const layout = parametersOf({ type: 'unet', config: parseUNet2DConfig(json, 'test').config });
    const values = unpack(layout, initialise(layout, 2));
    expect(values.size).toBe(stored.unet.length);
    for (const { name, shape, form } of stored.unet) {
      expect(values.get(name)?.shape, name).toEqual(shape);
      expectForm(values.get(name)!.data, form, name);
    }
  });

  it('depend on the seed alone', () => {
    const layout = parametersOf(UNET);
    expect(initialise(layout, 5)).toEqual(initialise(layout, 5));
    expect(initialise(layout, 6)).not.toEqual(initialise(layout, 5));
  });

  it('of two parameters of one shape differ', () => {
    const values = unpack(parametersOf(UNET), initialise(parametersOf(UNET), 5));
    const [a, b] = ['conv1', 'conv2'].map((c) => values.get(`mid_block.resnets.0.${c}.weight`)!);
    expect(a!.shape).toEqual(b!.shape);
    expect(a!.data).not.toEqual(b!.data);
  });
});

const UNET: ModelConfig = {
  type: 'unet',
  config: smallUNet({
    sampleSize: 8,
    channels: 3,
    blockOutChannels: [4, 8],
    layersPerBlock: 1,
    attention: [false, true],
    attentionHeadDim: 4,
    numClassEmbeds: 3,
  }),
};

describe('parameter layout', () => {
  const models: ModelConfig[] = [
    UNET,
    { type: 'unet', config: parseUNet2DConfig({ sample_size: 32 }, 'the defaults').config },
    { type: 'tutorial-cnn', config: { sample_size: 8, channels: 1, hidden_channels: [4, 6] } },
  ];
  it.each(models)('of a $type has unique names and no gaps', (model) => {
    const { specs, offsets, total } = parametersOf(model);
    expect(new Set(specs.map(({ name }) => name)).size).toBe(specs.length);
    const ends = specs.map(({ shape }, i) => offsets[i]! + sizeOf(shape));
    expect(offsets).toEqual([0, ...ends.slice(0, -1)]);
    expect(total).toBe(ends.at(-1));
  });

  it('packs what it unpacks, and cuts the same out of a vector on the device', async () => {
    const layout = parametersOf(UNET);
    const vector = drawn([layout.total]);
    const weights = unpack(layout, vector);
    expect(pack(layout, weights)).toEqual(vector);
    const feeds = { x: drawn([1, 3, 8, 8]), t: Float32Array.of(7), c: Float32Array.of(0, 1, 0) };
    const build = (source: 'slices' | 'constants') => {
      const g = new GraphBuilder();
      const given: Tensor[] = [];
      const inputs = {
        sample: g.feed('x', [1, 3, 8, 8]),
        timesteps: g.feed('t', [1]),
        classes: g.feed('c', [1, 3]),
      };
      const slices = () => slicing(g, g.feed('vector', [layout.total]), layout, given);
      const from = source === 'slices' ? slices() : constants(g, weights);
      g.result('y', buildModel(g, UNET, inputs, from));
      return g.build();
    };
    const sliced = await evaluate(build('slices'), { ...feeds, vector });
    const constant = await evaluate(build('constants'), feeds);
    sliced.y!.forEach((y, i) => expect(y).toBeCloseTo(constant.y![i]!, 3));
  });

  it('names a weight that is missing', () => {
    const layout = parametersOf(UNET);
    expect(() => pack(layout, new Map())).toThrow('the weights have no time_embedding.linear_1.');
  });
});
