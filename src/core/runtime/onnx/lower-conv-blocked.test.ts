import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../../test/support/fixtures';
import { drawn, evaluate, graphOf } from '../../../../test/support/values';
import type { ConvAttrs } from '../../graph/ops';
import type { Shape } from '../../graph/shape';
import { channelBlock } from './channel-block';
import { lower } from './lower';

type Four = [number, number, number, number];

/** Calls `visit` with every product of an image's pixel and a kernel's weight: their offsets, and y's. */
function eachProduct(
  xShape: Shape,
  wShape: Shape,
  yShape: Shape,
  { stride, pads }: ConvAttrs,
  visit: (x: number, w: number, y: number) => void,
): void {
  const [n, channels, height, width] = xShape as Four;
  const [out, , kh, kw] = wShape as Four;
  const [, , rows, columns] = yShape as Four;
  for (let i = 0; i < n * out * rows * columns * channels * kh * kw; i++) {
    const kx = i % kw;
    const ky = Math.floor(i / kw) % kh;
    const ci = Math.floor(i / (kw * kh)) % channels;
    const y = Math.floor(i / (kw * kh * channels));
    const column = y % columns;
    const row = Math.floor(y / columns) % rows;
    const co = Math.floor(y / (columns * rows)) % out;
    const image = Math.floor(y / (columns * rows * out));
    const [h, v] = [row * stride + ky - pads[0], column * stride + kx - pads[1]];
    if (h < 0 || v < 0 || h >= height || v >= width) continue;
    const x = ((image * channels + ci) * height + h) * width + v;
    visit(x, ((co * channels + ci) * kh + ky) * kw + kx, y);
  }
}

interface Case {
  readonly label: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs: ConvAttrs;
}

const SAME = { stride: 1, pads: [1, 1, 1, 1] } as const;

const CASES: readonly Case[] = [
  { label: 'one block to two', x: [2, 16, 7, 6], w: [32, 16, 3, 3], attrs: SAME },
  { label: 'two blocks to one', x: [3, 32, 5, 5], w: [16, 32, 3, 3], attrs: SAME },
  {
    label: 'maps so small that images are joined',
    x: [5, 32, 3, 3],
    w: [48, 32, 3, 3],
    attrs: SAME,
  },
  { label: 'a picture of three channels', x: [2, 3, 8, 8], w: [16, 3, 3, 3], attrs: SAME },
  { label: 'to a picture of three channels', x: [2, 16, 8, 8], w: [3, 16, 3, 3], attrs: SAME },
  { label: 'halving', x: [2, 16, 8, 8], w: [16, 16, 3, 3], attrs: { ...SAME, stride: 2 } },
  {
    label: 'padded at right and bottom only',
    x: [2, 16, 8, 8],
    w: [32, 16, 3, 3],
    attrs: { stride: 2, pads: [0, 0, 1, 1] },
  },
  {
    label: 'kernels that are not square, pads that are not equal',
    x: [2, 16, 6, 9],
    w: [16, 16, 3, 5],
    attrs: { stride: 1, pads: [2, 1, 0, 3] },
  },
  {
    label: 'single taps',
    x: [2, 16, 5, 5],
    w: [32, 16, 1, 1],
    attrs: { stride: 1, pads: [0, 0, 0, 0] },
  },
  { label: 'channels that fill no block', x: [2, 20, 5, 5], w: [24, 20, 3, 3], attrs: SAME },
];

function gradientGraph({ x, w, attrs }: Case) {
  return graphOf((g) => {
    const [images, kernels] = [g.feed('x', x), g.feed('w', w)];
    const y = g.conv2d(images, kernels, g.feed('b', [w[0]!]), attrs);
    g.result('y', y);
    const dy = g.feed('dy', y.shape);
    g.result('dx', g.conv2dInputGrad(dy, kernels, x, attrs));
    g.result('dw', g.conv2dWeightGrad(images, dy, w, attrs));
  });
}

describe('convolutions on the CPU', () => {
  it.each(CASES)('$label: as the sums they are, forward and backward', async (test) => {
    const graph = gradientGraph(test);
    const shapeOf = (name: string) =>
      graph.inputs.find((input) => input.name === name)!.tensor.shape;
    const yShape = shapeOf('dy');
    const [x, w, b, dy] = [test.x, test.w, shapeOf('b'), yShape].map((s, i) => drawn(s, i)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const pixels = yShape[2]! * yShape[3]!;
    const y = Float64Array.from(dy, (_, i) => b[Math.floor(i / pixels) % b.length]!);
    const [dx, dw] = [new Float64Array(x.length), new Float64Array(w.length)];
    eachProduct(test.x, test.w, yShape, test.attrs, (i, j, k) => {
      y[k]! += x[i]! * w[j]!;
      dx[i]! += dy[k]! * w[j]!;
      dw[j]! += dy[k]! * x[i]!;
    });
    const actual = await evaluate(graph, { x, w, b, dy });
    const expected = { y, dx, dw };
    for (const [name, values] of Object.entries(expected)) {
      expect(relativeError(actual[name]!, Float32Array.from(values)), name).toBeLessThan(1e-6);
    }
  });

  it('takes as many channels in a block as the processor’s registers hold', async () => {
    expect([4, 8, 16, null]).toContain(await channelBlock());
  });

  it('uses blocks where the channels fill them, and only there', () => {
    const domains = (label: string, channelBlock: number | null) => {
      const graph = gradientGraph(CASES.find((test) => test.label === label)!);
      const { nodes } = lower(graph, { target: 'cpu', channelBlock });
      return nodes.filter(({ opType, domain }) => opType === 'Conv' && domain?.endsWith('nchwc'));
    };
    expect(domains('one block to two', 16)).toHaveLength(2);
    expect(domains('a picture of three channels', 16)).toHaveLength(1);
    expect(domains('channels that fill no block', 16)).toHaveLength(0);
    expect(domains('one block to two', null)).toHaveLength(0);
  });
});
