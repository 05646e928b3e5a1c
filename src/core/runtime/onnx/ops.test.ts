import { describe, expect, it } from 'vitest';
import { coveredOps, opSuite } from '../../../../test/support/op-suite';
import { VJP } from '../../graph/vjp';
import { OnnxRuntime } from './onnx-runtime';

/** Covered through others: leaves, and the gradients of `conv2d`. */
const INDIRECT = ['input', 'constant', 'conv2dInputGrad', 'conv2dWeightGrad'];

it('covers every operation', () => {
  const ops = Object.keys(VJP).filter((op) => !INDIRECT.includes(op));
  expect(ops.filter((op) => !coveredOps.has(op))).toEqual([]);
});

describe('operations on cpu against PyTorch', () => {
  opSuite(new OnnxRuntime({ device: 'cpu', threads: 1 }), { default: 2e-6 });
});
