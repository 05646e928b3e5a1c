import { GraphBuilder } from '../../src/core/graph/builder';
import { gradients } from '../../src/core/graph/gradient';
import type { Tensor } from '../../src/core/graph/ops';
import type { HostTensor } from '../../src/core/runtime/runtime';
import { relativeError } from './fixtures';
import { cpu, drawn } from './values';

/** Makes a tensor of any shape from inputs. */
export type Body = (g: GraphBuilder, inputs: readonly Tensor[]) => Tensor;

/** Central differences of fourth order: f'(x) ≈ Σ weight·f(x + at·h) / h, off by h⁴·f⁗'(x)/30. */
const STENCIL = [
  { at: -2, weight: 1 / 12 },
  { at: -1, weight: -2 / 3 },
  { at: 1, weight: 2 / 3 },
  { at: 2, weight: -1 / 12 },
];

/**
 * The largest relative error, over the inputs, between a graph's gradients and finite differences of
 * its values. The loss is a random weighting of the body's output, summed here in float64.
 *
 * @param h how far the values are taken from each other
 * @param most differences are taken at that many elements of an input, evenly spread
 */
export async function gradientError(
  body: Body,
  inputs: readonly HostTensor[],
  h = 2 ** -5,
  most = 40,
): Promise<number> {
  const g = new GraphBuilder();
  const x = inputs.map(({ shape }, i) => g.feed(`x${i}`, shape));
  const y = body(g, x);
  const weights = drawn(y.shape, 99);
  const weighted = g.flatten(g.mul(y, g.constant(weights, y.shape)));
  g.result('values', weighted);
  gradients(g, g.reduceSum(weighted, [0]), x).forEach((dx, i) => g.result(`dx${i}`, dx));
  const executable = await cpu.compile(g.build(), { label: 'a gradient check' });
  const values = inputs.map(({ data }) => Float32Array.from(data));
  const run = () => executable.run(Object.fromEntries(values.map((data, i) => [`x${i}`, data])));
  const loss = async () => (await run()).values!.reduce((sum, value) => sum + value, 0);
  const analytic = await run();
  let worst = 0;
  for (const [i, data] of values.entries()) {
    const stride = Math.max(1, Math.ceil(data.length / most));
    const expected: number[] = [];
    const actual: number[] = [];
    for (let element = 0; element < data.length; element += stride) {
      const x0 = data[element]!;
      let slope = 0;
      for (const { at, weight } of STENCIL) {
        data[element] = x0 + at * h;
        slope += (weight * (await loss())) / h;
      }
      data[element] = x0;
      expected.push(slope);
      actual.push(analytic[`dx${i}`]![element]!);
    }
    worst = Math.max(worst, relativeError(actual, expected, 1e-3));
  }
  await executable.dispose();
  return worst;
}
