import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../src/core/graph/builder';
import { noting } from '../src/core/nn/parameters';
import { predictionGraph } from '../src/core/sample/denoiser';
import { caseOf, networkOf } from './cases';
import { forwardFlops } from './flops';

describe('forwardFlops', () => {
  it('counts two for each product of a convolution and of a matrix product', () => {
    const g = new GraphBuilder();
    const x = g.feed('x', [2, 3, 8, 8]);
    const w = g.feed('w', [5, 3, 3, 3]);
    const y = g.conv2d(x, w, null, { stride: 2, pads: [1, 1, 1, 1] });
    g.result('z', g.matmul(g.reshape(y, [10, 16]), g.feed('v', [7, 16]), false, true));
    expect(forwardFlops(g.build())).toBe(2 * (2 * 5 * 4 * 4) * (3 * 9) + 2 * 10 * 7 * 16);
  });

  // By torch.utils.flop_counter.FlopCounterMode (torch 2.15) around the forward pass of peer/unet.py.
  it.each([
    ['a', 32, 280177, 994050048],
    ['b', 64, 1623169, 35481419776],
    ['c', 32, 16622723, 101437145088],
    ['d', 8, 5940675, 33571471360],
  ])('case %s has the parameters and operations that PyTorch counts', (id, batch, total, flops) => {
    const { model, layout } = networkOf(caseOf(id));
    expect(layout.total).toBe(total);
    expect(forwardFlops(predictionGraph(model, batch, (g) => noting(g, [])))).toBe(flops);
  });
});
