import { describe, expect, it } from 'vitest';
import { gradientError, type Body } from '../../../test/support/finite-differences';
import { drawn, evaluate } from '../../../test/support/values';
import { GraphBuilder } from '../graph/builder';
import { buildModel, parametersOf, type ModelConfig } from './model';
import { constants, unpack, type Weights } from './parameters';

const MODEL: ModelConfig = {
  type: 'tutorial-cnn',
  config: { sample_size: 4, channels: 1, hidden_channels: [4, 3] },
};
const LAYOUT = parametersOf(MODEL);

/** Weights that are `scale` times N(0, 1). */
function weightsOf(scale: number): Weights {
  return unpack(
    LAYOUT,
    drawn([LAYOUT.total]).map((x) => scale * x),
  );
}

async function predict(sample: Float32Array, timesteps: number[], scale = 0.3) {
  const n = timesteps.length;
  const g = new GraphBuilder();
  const inputs = {
    sample: g.feed('sample', [n, 1, 4, 4]),
    timesteps: g.feed('timesteps', [n]),
    classes: null,
  };
  g.result('y', buildModel(g, MODEL, inputs, constants(g, weightsOf(scale))));
  const results = await evaluate(g.build(), { sample, timesteps: Float32Array.from(timesteps) });
  return results.y!;
}

describe('tutorial-cnn', () => {
  it('has the layers of the tutorial by default', () => {
    const config = { sample_size: 28, channels: 1, hidden_channels: [32, 64, 32] } as const;
    const { specs } = parametersOf({
      type: 'tutorial-cnn',
      config: { ...config, hidden_channels: [...config.hidden_channels] },
    });
    const convolutions = specs.filter(({ name }) => /^conv.*weight$/.test(name));
    expect(convolutions.map(({ shape }) => shape)).toEqual([
      [32, 1, 3, 3],
      [64, 32, 3, 3],
      [32, 64, 3, 3],
      [1, 32, 3, 3],
    ]);
  });

  it('has the gradients of finite differences, by all weights and by the image', async () => {
    const weights = weightsOf(0.05);
    const body: Body = (g, [sample, ...parameters]) => {
      const timesteps = g.constant([3, 700]);
      let next = 0;
      return buildModel(g, MODEL, { sample: sample!, timesteps, classes: null }, ({ shape }) => {
        const parameter = parameters[next++]!;
        expect(parameter.shape).toEqual(shape);
        return parameter;
      });
    };
    // Channels are on or off by far: no difference carries a ReLU over its kink, and the net is linear
    // in each of its inputs.
    const inputs = [...weights].map(([name, { shape, data }]) => {
      const isHiddenBias = /(time|conv)_\d\.bias/.test(name);
      return { shape, data: isHiddenBias ? data.map((x, i) => x + (i % 2 ? -1 : 1)) : data };
    });
    const sample = { shape: [2, 1, 4, 4], data: drawn([2, 1, 4, 4], 3).map((x) => 0.3 * x) };
    expect(await gradientError(body, [sample, ...inputs], 0.125)).toBeLessThan(1e-3);
  });

  it('is not squashed: the prediction grows with the last layer', async () => {
    const sample = drawn([1, 1, 4, 4], 1);
    const large = await predict(sample, [10], 3);
    expect(Math.max(...large.map(Math.abs))).toBeGreaterThan(10);
    expect(Math.min(...large)).toBeLessThan(0);
  });

  it('sees the time, of each image by itself', async () => {
    const one = drawn([1, 1, 4, 4], 1);
    const sample = Float32Array.of(...one, ...one, ...one);
    const y = await predict(sample, [5, 500, 5]);
    const image = (i: number) => y.subarray(16 * i, 16 * i + 16);
    expect(image(2)).toEqual(image(0));
    const change = image(1).reduce((most, x, i) => Math.max(most, Math.abs(x - image(0)[i]!)), 0);
    expect(change).toBeGreaterThan(0.05);
  });
});
