import { describe, expect, it } from 'vitest';
import { relativeError } from '../../../test/support/fixtures';
import { batchesOf, openStepper, takeSteps, tinyConfig } from '../../../test/support/training';
import { cpu } from '../../../test/support/values';
import { webgpu } from '../../../test/support/webgpu';
import { resolveConfig } from '../config/resolve';
import type { TrainingConfig } from '../config/training-config';
import type { OnnxState } from '../runtime/onnx/state';

/** The quick preset's own training, with fewer images a step. */
function quick(): TrainingConfig {
  const overrides = { batchSize: 2, seed: 1 };
  return resolveConfig({ preset: 'quick', overrides });
}

describe.runIf(webgpu)('training on webgpu', () => {
  it.each([
    ['the quick preset', quick(), 10],
    ['a small net', tinyConfig(), 20],
    ['a self-conditioned net', tinyConfig({ model: { selfCondition: true } as object }), 8],
  ])(
    'has the losses of the cpu with %s, and its state on the device',
    async (_, config, steps) => {
      const batches = await batchesOf(config, steps);
      const [onCpu, onGpu] = [await openStepper(cpu, config), await openStepper(webgpu!, config)];
      const expected = await takeSteps(onCpu, config, batches);
      const actual = await takeSteps(onGpu, config, batches);
      const losses = actual.map(({ loss }, i) => Math.abs(loss / expected[i]!.loss - 1));
      const norms = actual.map(({ gradNorm }, i) => Math.abs(gradNorm / expected[i]!.gradNorm - 1));
      const [a, b] = [await onGpu.read(), await onCpu.read()];
      const weights = relativeError(a.params, b.params);
      console.log(
        `webgpu against cpu over ${steps} steps: losses ${Math.max(...losses).toExponential(1)}, ` +
          `gradient norms ${Math.max(...norms).toExponential(1)}, weights ${weights.toExponential(1)}`,
      );
      expect(losses).toHaveLength(steps);
      expect(Math.max(...losses)).toBeLessThan(1e-4);
      expect(Math.max(...norms)).toBeLessThan(1e-3);
      const { state } = onGpu;
      const places = state.names.map((name) => (state as OnnxState).get(name).location);
      expect(places).toEqual(Array<string>(4).fill('gpu-buffer'));
      await onCpu.dispose();
      await onGpu.dispose();
    },
    240_000,
  );
});
