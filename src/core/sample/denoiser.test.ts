import { expect, it } from 'vitest';
import { cpu } from '../../../test/support/values';
import { initialise, unpack } from '../nn/parameters';
import { parametersOf, type ModelConfig } from '../nn/model';
import { UserError } from '../base/errors';
import { DenoiserCache } from './denoiser-cache';

it('float16 is refused where the device does not compute in it', async () => {
  const model: ModelConfig = {
    type: 'tutorial-cnn',
    config: { sample_size: 8, channels: 1, hidden_channels: [4] },
  };
  const layout = parametersOf(model);
  const cache = new DenoiserCache(cpu, 1, 'float16');
  const refused = cache.get(model, unpack(layout, initialise(layout, 0)), 1);
  await expect(refused).rejects.toThrow(UserError);
  await expect(refused).rejects.toThrow(
    'Device cpu does not sample in float16: use --device webgpu, or leave --precision out.',
  );
  await cache.dispose();
});
