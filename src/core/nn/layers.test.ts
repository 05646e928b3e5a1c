import { describe, expect, it } from 'vitest';
import { cpu, evaluate, graphOf } from '../../../test/support/values';
import { webgpu } from '../../../test/support/webgpu';
import { GraphBuilder } from '../graph/builder';
import { activation, Layers, timestepEmbedding } from './layers';

const runtimes = [cpu, webgpu].filter((runtime) => runtime !== null);

/** sin and cos of t·10000^(−i / (half − shift)), one row a timestep, in float64. */
function embedding(timesteps: number[], width: number, shift: number, cosFirst: boolean) {
  const half = Math.floor(width / 2);
  return timesteps.flatMap((t) => {
    const angles = Array.from({ length: half }, (_, i) => t / 10000 ** (i / (half - shift)));
    const waves = [angles.map(Math.sin), angles.map(Math.cos)];
    if (cosFirst) waves.reverse();
    return [...waves.flat(), ...(width % 2 ? [0] : [])];
  });
}

describe.each(runtimes)('timestep embedding on $device', (runtime) => {
  it.each([
    [8, 0, true],
    [8, 0, false],
    [16, 1, false],
    [7, 0, true],
    [2, 0, true],
  ] as const)('of width %d, shift %d, cosines first: %s', async (width, shift, cosFirst) => {
    const timesteps = [0, 1, 17, 250, 999, 3999];
    const graph = graphOf((g) => {
      const t = g.feed('t', [timesteps.length]);
      g.result('y', timestepEmbedding(g, t, width, shift, cosFirst));
    });
    const { y } = await evaluate(graph, { t: Float32Array.from(timesteps) }, runtime);
    const expected = embedding(timesteps, width, shift, cosFirst);
    // An angle of 3999 is only known to 2⁻¹³ in float32 where the frequency was rounded.
    const error = expected.reduce((most, e, i) => Math.max(most, Math.abs(e - y![i]!)), 0);
    expect(error).toBeLessThan(2.5e-4);
    const early = expected.slice(0, 3 * width);
    const earlyError = early.reduce((most, e, i) => Math.max(most, Math.abs(e - y![i]!)), 0);
    expect(earlyError).toBeLessThan(3e-6);
  });
});

describe('activations', () => {
  it('are what their formulas say', async () => {
    const x = [-6, -1.5, -0.1, 0, 0.2, 1, 7];
    const formulas = {
      silu: (v: number) => v / (1 + Math.exp(-v)),
      swish: (v: number) => v / (1 + Math.exp(-v)),
      relu: (v: number) => Math.max(v, 0),
      mish: (v: number) => v * Math.tanh(Math.log1p(Math.exp(v))),
    };
    for (const [kind, formula] of Object.entries(formulas)) {
      const graph = graphOf((g) => {
        g.result('y', activation(g, kind as keyof typeof formulas, g.feed('x', [x.length])));
      });
      const { y } = await evaluate(graph, { x: Float32Array.from(x) });
      x.forEach((v, i) => expect(y![i], `${kind}(${v})`).toBeCloseTo(formula(v), 5));
    }
  });
});

describe('Layers', () => {
  it('ask for parameters under the names of their places', () => {
    const g = new GraphBuilder();
    const names: string[] = [];
    const source = ({ name, shape }: { name: string; shape: readonly number[] }) => {
      names.push(name);
      return g.state(name, shape);
    };
    const l = new Layers(g, source, null);
    const y = l
      .at('down')
      .at('conv1')
      .conv(g.feed('x', [1, 2, 4, 4]), 3, { stride: 2 });
    expect(names).toEqual(['down.conv1.weight', 'down.conv1.bias']);
    expect(y.shape).toEqual([1, 3, 2, 2]);
    expect(y.node.scope).toBe('down.conv1');
  });

  it('drop nothing outside of training, or with probability 0', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 3]);
    const never = () => {
      throw new Error('no mask is wanted');
    };
    expect(new Layers(g, never, null).dropout(x, 0.5)).toBe(x);
    expect(new Layers(g, never, never).dropout(x, 0)).toBe(x);
    const mask = g.feed('mask', [2, 3]);
    const dropped = new Layers(g, never, () => mask).dropout(x, 0.5);
    expect(dropped.node.inputs).toEqual([x, mask]);
  });
});
