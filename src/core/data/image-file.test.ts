import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { Scratch } from '../../../test/support/bundles';
import { openImageFile } from './image-file';

const scratch = new Scratch();
afterAll(() => scratch.remove());

it('tells the size of an image as it is seen, whatever part of it is read', async () => {
  const stored = { width: 300, height: 200, channels: 3, background: '#abc' } as const;
  const upright = scratch.at('upright.png');
  await sharp({ create: stored }).png().toFile(upright);
  const turned = scratch.at('turned.jpg');
  await sharp({ create: stored }).withMetadata({ orientation: 6 }).jpeg().toFile(turned);
  const opened = await openImageFile(upright);
  expect(opened.source).toEqual({ width: 300, height: 200 });
  expect(opened.image.shape).toEqual([1, 3, 128, 128]);
  expect((await openImageFile(turned)).source).toEqual({ width: 200, height: 300 });
});
