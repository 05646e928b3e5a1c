import { beforeAll, describe } from 'vitest';
import { opSuite } from '../../../../test/support/op-suite';
import { readyTensorflow, tensorflow } from '../../../../test/support/tensorflow';

beforeAll(readyTensorflow);

describe('operations on TensorFlow.js against PyTorch', () => {
  // The JavaScript backend's erf is Abramowitz and Stegun's 7.1.26, good to 1.5e-7 of 1.
  opSuite(tensorflow, { default: 2e-6, erf: 1e-5 });
});
