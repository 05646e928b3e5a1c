import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixtureJson, fixtureTensors, relativeError } from '../../../test/support/fixtures';
import { cpu } from '../../../test/support/values';
import { GraphBuilder } from '../graph/builder';
import { gradients } from '../graph/gradient';
import type { Tensor } from '../graph/ops';
import { sizeOf, type Shape } from '../graph/shape';
import type { DeviceState } from '../runtime/runtime';
import type { ParameterSpec } from './layers';
import { buildModel, parametersOf, type ModelConfig } from './model';
import { parseUNet2DConfig } from './unet2d-config';

interface LargeFixture {
  readonly config: Record<string, unknown>;
  readonly numParameters: number;
  readonly tensors: Readonly<Record<string, Shape>>;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly gradientNorms: readonly number[];
  readonly weightChecks: readonly {
    readonly k: number;
    readonly name: string;
    readonly first: readonly number[];
    readonly last: number;
    readonly sum: number;
  }[];
}

const TOLERANCE = 1e-4;
/** Gradients below that share of the whole one are rounding noise about a true 0. */
const FLOOR = 1e-6;

const fixture = fixtureJson<LargeFixture>('unet/large.json');
const stored = fixtureTensors('unet/large.safetensors');
const names = Object.keys(fixture.tensors);
const model: ModelConfig = {
  type: 'unet',
  config: parseUNet2DConfig(fixture.config, 'large.json').config,
};

/** Weights of tensor number k by the formula of the fixture's README. */
function formula(k: number, name: string, shape: Shape): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  const scale = shape.length >= 2 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.1;
  const centre = shape.length === 1 && name.endsWith('.weight') ? 1 : 0;
  for (let i = 0; i < values.length; i++) {
    let u = (Math.imul(i, 2654435761) + k * 40503 + 12345) >>> 0;
    u ^= u >>> 15;
    u = Math.imul(u, 2246822519);
    u ^= u >>> 13;
    values[i] = centre + ((u >>> 0) / 2 ** 32 - 0.5) * 2 * scale;
  }
  return values;
}

function weightsOf(name: string): Float32Array {
  return formula(names.indexOf(name), name, fixture.tensors[name]!);
}

function buildGraph() {
  const g = new GraphBuilder();
  const specs: ParameterSpec[] = [];
  const parameters: Tensor[] = [];
  const shape = stored.get('sample')!.shape;
  const inputs = {
    sample: g.feed('sample', shape),
    timesteps: g.feed('timesteps', [1]),
    classes: null,
  };
  const output = buildModel(g, model, inputs, (spec) => {
    const parameter = g.state(spec.name, spec.shape);
    specs.push(spec);
    parameters.push(parameter);
    return parameter;
  });
  const error = g.square(g.sub(output, g.feed('target', shape)));
  const loss = g.reduceMean(g.flatten(error), [0]);
  g.result('output', output);
  g.result('loss', loss);
  // Only lengths leave the graph for most: all gradients together are half a gigabyte.
  const squares = gradients(g, loss, parameters).map((gradient, i) => {
    const key = `grads.${specs[i]!.name}`;
    if (stored.has(key)) g.result(key, gradient);
    return g.reshape(g.reduceSum(g.square(g.flatten(gradient)), [0]), [1]);
  });
  g.result('norms', g.sqrt(g.concat(squares, 0)));
  return { graph: g.build(), specs };
}

describe('the U-Net of train_unconditional, 113,673,219 parameters, against diffusers', () => {
  let results: Readonly<Record<string, Float32Array>>;
  let order: readonly string[];
  let state: DeviceState | null = null;

  beforeAll(async () => {
    const { graph, specs } = buildGraph();
    order = specs.map(({ name }) => name);
    state = await cpu.createState(
      Object.fromEntries(
        specs.map(({ name, shape }) => [name, { shape, data: weightsOf(name) }] as const),
      ),
    );
    const executable = await cpu.compile(graph, { label: 'the large U-Net' });
    const feeds = Object.fromEntries(
      ['sample', 'timesteps', 'target'].map((name) => [name, stored.get(name)!.data]),
    );
    results = await executable.run(feeds, state);
    await executable.dispose();
  }, 300_000);
  afterAll(() => state?.dispose());

  it('is made of the same tensors', () => {
    const { specs, total } = parametersOf(model);
    expect(Object.fromEntries(specs.map(({ name, shape }) => [name, shape]))).toEqual(
      fixture.tensors,
    );
    expect(specs).toHaveLength(450);
    expect(total).toBe(113_673_219);
  });

  it('has the weights of the fixture', () => {
    for (const { name, first, last, sum } of fixture.weightChecks) {
      const values = weightsOf(name);
      expect([...values.subarray(0, 3), values.at(-1)], name).toEqual([...first, last]);
      const total = values.reduce((all, x) => all + x, 0);
      expect(Math.abs(total - sum), name).toBeLessThan(1e-6);
    }
  });

  it('has the same output, loss and gradients', () => {
    const output = relativeError(results.output!, stored.get('output')!.data);
    const loss = Math.abs(results.loss![0]! / fixture.loss - 1);
    const floor = FLOOR * fixture.gradientNorm;
    const full = [...stored].filter(([key]) => key.startsWith('grads.'));
    const gradient = Math.max(
      ...full.map(([key, { data }]) => relativeError(results[key]!, data, floor)),
    );
    const ours = new Map(order.map((name, i) => [name, results.norms![i]!]));
    const norms = names.map((name, i) => {
      const expected = fixture.gradientNorms[i]!;
      return Math.abs(ours.get(name)! - expected) / Math.max(expected, floor);
    });
    const norm = Math.max(...norms);
    const show = (value: number) => value.toExponential(1);
    console.log(
      `relative errors: output ${show(output)}, loss ${show(loss)}, ` +
        `worst of ${full.length} gradients ${show(gradient)}, ` +
        `worst of ${norms.length} gradient norms ${show(norm)} (${names[norms.indexOf(norm)]})`,
    );
    expect(full).toHaveLength(12);
    expect(Math.max(output, loss, gradient, norm)).toBeLessThan(TOLERANCE);
  });
});
