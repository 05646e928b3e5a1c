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
    await writeSidecar(folder, written);
    expect(await readSidecar(folder, net(4))).toEqual(written);
    expect(classListOf(net(4), written)).toEqual({ names: written.classNames, nullClass: 3 });
  });

  it('is not written where there is nothing to say, and a folder without it says nothing', async () => {
    const folder = newFolder();
    await writeSidecar(folder, UNCONDITIONED);
    expect(existsSync(path.join(folder, SIDECAR))).toBe(false);
    expect(await readSidecar(folder, net(null))).toEqual(UNCONDITIONED);
    expect(classListOf(net(null), UNCONDITIONED)).toBeNull();
    expect(classListOf(net(3), UNCONDITIONED)).toEqual({ names: ['0', '1', '2'], nullClass: null });
  });

  it.each([
    ['{"classNames": ["a", "b"], "nullClass": 2}', 2, /names 2 classes and a null class.* has 2 /],
    ['{"classNames": ["a", "b"]}', null, /has no class embeddings/],
    ['{"nullClass": 0}', 3, /null class 0, which must be the last of the net's 3/],
    ['{"classNames": ["a", "a"]}', 2, /classNames names a class twice/],
    ['{"classNames": 3}', 2, /classNames is 3; it must be/],
    ['{"classes": []}', 2, /classes is not a known key/],
    ['{', 2, new RegExp(`${SIDECAR}.*JSON`)],
  ])('that does not fit is refused in a sentence: %s', async (text, rows, message) => {
    const folder = newFolder();
    writeFileSync(path.join(folder, SIDECAR), text);
    await expect(readSidecar(folder, net(rows))).rejects.toThrow(message);
    expect(readFileSync(path.join(folder, SIDECAR), 'utf8')).toBe(text);
  });
});
