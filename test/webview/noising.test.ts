import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HostToNoising } from '../../webview/protocol';
import { HYDRATE, picture } from './noising-feed';
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

async function open(options: PageOptions = {}, message: HostToNoising = HYDRATE): Promise<void> {
  view = await ViewPage.open(browser, 'noising', options);
  await view.send(message);
}

const formula = () => view.page.getByRole('math').getAttribute('aria-label');
const slider = () => view.page.getByRole('slider', { name: 'Timestep t' });

const button = (name: string) => view.page.getByRole('button', { name });

describe('the noising view', () => {
  it('shows the numbers of the tutorial’s schedule at t = 0, 50 and 99, by keyboard alone', async () => {
    await open();
    await button('Tutorial (T = 100)').press('Enter');
    await slider().press('Home');
    await expect.poll(formula).toBe('x_0 = 0.9999 · x_0 + 0.0100 · ε');
    for (let i = 0; i < 50; i++) await slider().press('ArrowRight');
    await expect.poll(formula).toBe('x_50 = 0.8771 · x_0 + 0.4803 · ε');
    await slider().press('End');
    await expect.poll(formula).toBe('x_99 = 0.6030 · x_0 + 0.7978 · ε');
    await view.page.getByText('60 % of the image').waitFor();
    await view.shoot('noising-tutorial');
  });

  it('mends the tutorial’s schedule at one click', async () => {
    await open();
    await button('Tutorial (T = 100)').click();
    await button('Use the cosine schedule').click();
    await view.page.getByText('near enough to noise').waitFor();
    const { schedule } = await view.state<{ schedule: { kind: string; timesteps: number } }>();
    expect(schedule).toMatchObject({ kind: 'cosine', timesteps: 100 });
    expect(await button('Use the cosine schedule').count()).toBe(0);
  });

  it('says what makes no schedule, and keeps the one that is', async () => {
    await open();
    const last = view.page.getByRole('textbox', { name: 'Last β' });
    await last.fill('0.00001');
    await last.press('Enter');
    await view.page.getByText('The last β is 0.00001: give a number from the first β').waitFor();
    expect(await view.state()).not.toMatchObject({ schedule: { betaEnd: 0.00001 } });
  });

  it('walks the chain, whose numbers agree with the closed form’s', async () => {
    await open();
    const row = (name: string) => view.page.getByRole('row', { name: new RegExp(`^${name}`) });
    const numbers = async (name: string) =>
      (await row(name).getByRole('cell').allInnerTexts()).map((x) => Number(x.replace('−', '-')));
    await view.page.getByRole('radio', { name: /Markov chain/ }).click();
    await expect.poll(() => numbers('Markov chain')).not.toContain(NaN);
    const [expected, closed, chain] = [
      await numbers('Expected'),
      await numbers('Closed form'),
      await numbers('Markov chain'),
    ];
    for (const [i, value] of expected.entries()) {
      // 3072 numbers: four standard errors of their mean.
      expect(Math.abs(closed[i]! - value)).toBeLessThan(0.08);
      expect(Math.abs(chain[i]! - value)).toBeLessThan(0.08);
    }
    expect(chain).not.toEqual(closed);
    expect(await view.state()).toMatchObject({ mode: 'chain' });
  });

  it('goes to another t where a chart is dragged', async () => {
    await open();
    const chart = view.page.locator('.chart.draggable .u-over').first();
    const { x, y, width, height } = (await chart.boundingBox())!;
    await view.page.mouse.move(x + width / 4, y + height / 2);
    await view.page.mouse.down();
    await view.page.mouse.move(x + width / 2, y + height / 2);
    await view.page.mouse.up();
    const { t } = await view.state<{ t: number }>();
    expect(Math.abs(t - 499.5)).toBeLessThan(6);
    await expect.poll(formula).toContain(`x_${t} =`);
  });

  it('plays on space and stands still where it is told to', async () => {
    await open();
    const at = async () => (await view.state<{ t: number }>()).t;
    const before = await at();
    await view.page.keyboard.press('Space');
    await expect.poll(at).toBeGreaterThan(before + 3);
    await view.page.keyboard.press('Space');
    await button('Play').waitFor();
    const stopped = await at();
    await view.page.keyboard.press('ArrowRight');
    await expect.poll(at).toBe(stopped + 1);
  });

  it('comes back as it was left', async () => {
    await open();
    await button('Cosine (T = 1000)').click();
    await slider().press('End');
    const state = await view.state();
    await view.close();
    await open({ state });
    await expect.poll(formula).toContain('x_999 =');
    expect(await button('Cosine (T = 1000)').getAttribute('aria-pressed')).toBe('true');
  });

  it('reads the image in another size, and asks again where it was kept in one', async () => {
    await open({ state: { size: 16, channels: 1 } });
    const read = await view.posted('read');
    expect(read).toEqual({ type: 'read', path: '/pictures/sprite.png', size: 16, channels: 1 });
    const pixels = { data: new Uint8Array(256), count: 1, height: 16, width: 16, channels: 1 };
    const image = { ...picture('sprite.png'), size: 16, channels: 1 as const, pixels };
    await view.send({ type: 'image', image });
    await view.page.getByText('16 × 16, grey').waitFor();
  });

  it('chooses among images by keyboard, and says what cannot be read', async () => {
    const broken = {
      ...picture('torn.png'),
      pixels: null,
      message: 'Cannot use the image torn.png.',
    };
    await open({}, { ...HYDRATE, images: [picture('sprite.png'), broken] });
    await view.page.getByRole('radio', { name: 'sprite.png' }).press('ArrowRight');
    await view.page.getByRole('heading', { name: 'Forward noising of torn.png' }).waitFor();
    await view.page.getByText('Cannot use the image torn.png.').first().waitFor();
    await view.page.keyboard.press('ArrowLeft');
    await view.page.getByRole('heading', { name: 'Forward noising of sprite.png' }).waitFor();
    await expect.poll(() => view.page.getByText('Cannot use').first().isVisible()).toBe(false);
  });

  it('asks for the strip that it shows', async () => {
    await open();
    await button('Tutorial (T = 100)').click();
    await button('Save as GIF').press('Enter');
    expect(await view.posted('export')).toEqual({
      type: 'export',
      as: 'gif',
      path: '/pictures/sprite.png',
      size: 32,
      channels: 3,
      schedule: { ...HYDRATE.schedule, timesteps: 100 },
      at: [0, 14, 28, 42, 57, 71, 85, 99],
      seed: 0,
    });
    await view.page.getByText('t = 0, 14, 28, 42, 57, 71, 85, 99').waitFor();
  });

  it.each(['dark', 'light', 'high-contrast'] as const)('is looked at in %s', async (theme) => {
    await open({ theme });
    await view.shoot(`noising-${theme}`);
    expect(await view.inaccessible()).toEqual([]);
    await view.close();
    await open({ theme, width: 400 });
    await view.shoot(`noising-${theme}-400`);
  });

  it('has its formula on one line beside the image, at any timestep', async () => {
    await open();
    await slider().press('End');
    await expect.poll(formula).toContain('x_999 =');
    const { height } = (await view.page.getByRole('math').boundingBox())!;
    expect(height).toBeLessThan(80);
  });

  it('fits into 320 pixels', async () => {
    await open({ width: 320 });
    const width = await view.page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(320);
  });
});
