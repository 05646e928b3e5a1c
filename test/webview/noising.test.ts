import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HostToNoising, NoisingImage } from '../../webview/protocol';
import { launch, ViewPage, type PageOptions } from './view-page';

let browser: Browser;
let view: ViewPage;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
afterEach(async () => {
  expect(await view.wrongs()).toEqual([]);
  await view.close();
});

/** A colourful picture: a disc on a ramp. */
function picture(name: string, side = 32): NoisingImage {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const inside = Math.hypot(x - side / 2, y - side / 2) < side / 3;
      const pixel = inside ? [240, 190, 40] : [x * 6, 60, 120 + y * 3];
      data.set(pixel, (y * side + x) * 3);
    }
  }
  const pixels = { data, count: 1, height: side, width: side, channels: 3 };
  return {
    path: `/pictures/${name}`,
    label: name,
    size: null,
    channels: null,
    pixels,
    message: null,
  };
}

const HYDRATE = {
  type: 'hydrate',
  images: [picture('sprite.png')],
  schedule: {
    kind: 'linear',
    timesteps: 1000,
    betaStart: 1e-4,
    betaEnd: 0.02,
    zeroTerminalSnr: false,
  },
  seed: 0,
  health: { state: 'up', message: null },
} as const satisfies HostToNoising;

async function open(options: PageOptions = {}, message: HostToNoising = HYDRATE): Promise<void> {
  view = await ViewPage.open(browser, 'noising', options);
  await view.send(message);
}

const formula = () => view.page.getByRole('math').getAttribute('aria-label');
const slider = () => view.page.getByRole('slider', { name: 'Timestep t' });

describe('the noising view', () => {
  it('shows the numbers of the tutorial’s schedule at t = 0, 50 and 99, by keyboard alone', async () => {
    await open();
    await view.page.getByRole('button', { name: 'Tutorial (T = 100)' }).press('Enter');
    await slider().press('Home');
    await expect.poll(formula).toBe('x_0 = 0.9999 · x_0 + 0.0100 · ε');
    for (let i = 0; i < 50; i++) await slider().press('ArrowRight');
    await expect.poll(formula).toBe('x_50 = 0.8771 · x_0 + 0.4803 · ε');
    await slider().press('End');
    await expect.poll(formula).toBe('x_99 = 0.6030 · x_0 + 0.7978 · ε');
    await view.page.getByText('60 % of the image').waitFor();
    await view.shoot('noising-tutorial');
  });

  it.each(['dark', 'light', 'high-contrast'] as const)('is looked at in %s', async (theme) => {
    await open({ theme });
    await view.shoot(`noising-${theme}`);
    await view.page.setViewportSize({ width: 400, height: 800 });
    await view.shoot(`noising-${theme}-400`);
  });
});
