import { describe } from 'vitest';
import { opSuite } from '../../../../test/support/op-suite';
import { webgpu } from '../../../../test/support/webgpu';

describe.runIf(webgpu)('operations on webgpu against PyTorch', () => {
  // A GPU's own erf is an approximation good to about 2e-4; it is used by the GELU only.
  opSuite(webgpu!, { default: 1e-5, erf: 5e-4 });
});
