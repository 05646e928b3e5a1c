import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Scratch } from '../../../test/support/bundles';
import type { ModelConfig } from '../nn/model';
import { smallUNet } from '../nn/unet2d-config';
import { classListOf, readSidecar, SIDECAR, UNCONDITIONED, writeSidecar } from './sidecar';

const scratch = new Scratch();
afterAll(() => scratch.remove());

let folders = 0;
function newFolder(): string {
  const folder = scratch.at(String(folders++));
  mkdirSync(folder);
  return folder;
}

function net(numClassEmbeds: number | null): ModelConfig {
  const config = smallUNet({
    sampleSize: 8,
    channels: 1,
    blockOutChannels: [8, 8],
    layersPerBlock: 1,
    attention: [false, false],
    numClassEmbeds,
  });
  return { type: 'unet', config };
}

describe('what a net is conditioned on', () => {
  it('comes back as it was written, with names in any script', async () => {
    const folder = newFolder();
    const written = { classNames: ['猫', 'dog, small', ''], nullClass: 3 };
    await writeSidecar(folder, net(4), written);
    const read = await readSidecar(folder, net(4));
    expect(read).toEqual({ model: net(4), conditioning: written });
    expect(classListOf(net(4), written)).toEqual({ names: written.classNames, nullClass: 3 });
  });

  it('is not written where there is nothing to say, and a folder without it says nothing', async () => {
    const folder = newFolder();
    await writeSidecar(folder, net(null), UNCONDITIONED);
    expect(existsSync(path.join(folder, SIDECAR))).toBe(false);
    const read = await readSidecar(folder, net(null));
    expect(read).toEqual({ model: net(null), conditioning: UNCONDITIONED });
    expect(classListOf(net(null), UNCONDITIONED)).toBeNull();
    expect(classListOf(net(3), UNCONDITIONED)).toEqual({ names: ['0', '1', '2'], nullClass: null });
  });

  it('says of a net alone what half of its input is', async () => {
    const folder = newFolder();
    const { config } = net(null) as Extract<ModelConfig, { type: 'unet' }>;
    const plain: ModelConfig = { type: 'unet', config: { ...config, in_channels: 2 } };
    await writeSidecar(folder, plain, UNCONDITIONED);
    expect(existsSync(path.join(folder, SIDECAR))).toBe(false);
    const model: ModelConfig = { ...plain, selfCondition: true };
    await writeSidecar(folder, model, UNCONDITIONED);
    expect(await readSidecar(folder, plain)).toEqual({ model, conditioning: UNCONDITIONED });
    const cnn: ModelConfig = {
      type: 'tutorial-cnn',
      config: { sample_size: 8, channels: 1, hidden_channels: [8] },
    };
    await expect(readSidecar(folder, cnn)).rejects.toThrow(/selfCondition.*only a U-Net can/);
  });

  it.each([
    ['{"classNames": ["a", "b"], "nullClass": 2}', 2, /names 2 classes and a null class.* has 2 /],
    ['{"classNames": ["a", "b"]}', null, /has no class embeddings/],
    ['{"nullClass": 0}', 3, /null class 0, which must be the last of the net's 3/],
    ['{"classNames": ["a", "a"]}', 2, /classNames names a class twice/],
    ['{"classNames": 3}', 2, /classNames is 3; it must be/],
    ['{"classes": []}', 2, /classes is not a known key/],
    ['{"selfCondition": true}', null, /selfCondition.*in_channels is 1, not twice the 1 of out_/],
    ['{"selfCondition": 1}', null, /selfCondition is 1; it must be true or false/],
    ['{', 2, new RegExp(`${SIDECAR}.*JSON`)],
  ])('that does not fit is refused in a sentence: %s', async (text, rows, message) => {
    const folder = newFolder();
    writeFileSync(path.join(folder, SIDECAR), text);
    await expect(readSidecar(folder, net(rows))).rejects.toThrow(message);
    expect(readFileSync(path.join(folder, SIDECAR), 'utf8')).toBe(text);
  });
});
