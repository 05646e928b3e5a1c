import path from 'node:path';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundlesOf, pageOf } from '../../webview/feeds/page.mjs';
import { launch } from './view-page';

const ORIGIN = 'http://view.test';
const ROOT = path.resolve(import.meta.dirname, '../..');

let browser: Browser;
let files: ReadonlyMap<string, Uint8Array>;

beforeAll(async () => {
  const built = await Promise.all(bundlesOf('training', ROOT).map((options) => build(options)));
  const outputs = built.flatMap(({ outputFiles }) => outputFiles ?? []);
  files = new Map(outputs.map((file) => [`/${path.basename(file.path)}`, file.contents]));
  browser = await launch();
});

afterAll(() => browser.close());

/** Runs in the page before all else: counts the frames that draw. */
const COUNTER = `
  globalThis.frames = 0;
  const ask = requestAnimationFrame;
  globalThis.requestAnimationFrame = (draw) => ask((now) => {
    frames++;
    draw(now);
  });
`;

/**
 * Milliseconds of processor time that the page's main thread spends in tasks while something happens:
 * scripts, styles and layout. Not time by the clock, which others on the machine lengthen.
 */
async function busyTime(page: Page, happens: () => Promise<void>): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const taken = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
  };
  const before = await taken();
  await happens();
  const time = (await taken()) - before;
  await session.detach();
  return time;
}

async function open(scene: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(COUNTER);
  await page.route(`${ORIGIN}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    const body = pathname === '/' ? pageOf('training', ORIGIN) : files.get(pathname);
    if (body === undefined) return route.fulfill({ status: 204 });
    const contentType = { '.js': 'text/javascript', '.css': 'text/css' }[path.extname(pathname)];
    return route.fulfill({ body: Buffer.from(body), contentType: contentType ?? 'text/html' });
  });
  await page.goto(`${ORIGIN}/?scene=${scene}`);
  await page.locator('h1:visible').waitFor();
  return page;
}

describe('a run of 500,000 steps', () => {
  it('is drawn whole, pans, and shows its spikes of one step', async () => {
    const page = await open('long');
    const opening = await busyTime(page, async () => {
      await page.evaluate('feed.again()');
      await page.evaluate(NEXT_FRAMES);
    });
    expect(await heightAt(page, 123_457)).toBeGreaterThan(200);
    expect(await heightAt(page, 300_001)).toBeGreaterThan(200);
    expect(await heightAt(page, 225_000)).toBeLessThan(120);

    const box = (await page.locator('.chart-keys .u-over').boundingBox())!;
    await page.mouse.move(box.x + 200, box.y + 80);
    await page.mouse.down();
    await page.mouse.move(box.x + 500, box.y + 80);
    await page.mouse.up();
    const panning = await busyTime(page, () => page.evaluate(PAN));
    // Told, not held to: what a processor takes for it depends on what else it does.
    process.stderr.write(
      `500,000 steps: drawn in ${opening.toFixed(0)} ms of the processor, a pan in ${(panning / PANS).toFixed(1)} ms.\n`,
    );
    expect(await page.evaluate('feed.violations')).toEqual([]);
    expect(await page.evaluate("feed.host.said.filter(({ type }) => type === 'fault')")).toEqual(
      [],
    );
    await page.close();
  });
});

const NEXT_FRAMES = `(async () => {
  for (let i = 0; i < 3; i++) await new Promise((next) => requestAnimationFrame(next));
})()`;

const PANS = 60;

/** Pans by the wheel, once a frame. */
const PAN = `(async () => {
  const over = document.querySelector('.chart-keys .u-over');
  for (let i = 0; i < ${PANS}; i++) {
    const deltaX = i % 2 === 0 ? 60 : -40;
    over.dispatchEvent(new WheelEvent('wheel', { deltaX, bubbles: true, cancelable: true }));
    await new Promise((next) => requestAnimationFrame(next));
  }
})()`;

/** How many pixels high the curve is drawn around a step, of some 260. */
function heightAt(page: Page, step: number): Promise<number> {
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('.chart-keys canvas');
    const over = document.querySelector('.chart-keys .u-over');
    const left = parseFloat(over.style.left) + (${step} / 500000) * over.clientWidth;
    const { data, width } = canvas.getContext('2d')
      .getImageData(Math.round(left) - 2, 0, 5, canvas.height);
    const rows = new Set();
    for (let i = 0; i < data.length; i += 4) {
      // The grid is fainter.
      if (data[i + 3] > 60) rows.add(Math.floor(i / 4 / width));
    }
    return rows.size;
  })()`);
}

/** Bytes that scripts hold, when all that is garbage is gone. */
async function heapOf(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

describe('a run that streams', () => {
  it('takes little of each frame, and holds no more memory than its rows', async () => {
    const page = await open('live');
    const steps = () => page.locator('.steps').innerText();
    const reach = (step: string) =>
      expect.poll(steps, { timeout: 30_000 }).toMatch(new RegExp(`^step ${step}`));
    await page.evaluate('void feed.stream(4, 20)');
    await reach('1,2');
    const before = await heapOf(page);
    await page.evaluate('frames = 0');
    const busy = await busyTime(page, () => reach('2,000 '));
    const frames = await page.evaluate<number>('frames');
    expect(frames).toBeGreaterThan(100);
    expect(busy / frames).toBeLessThan(16);
    expect((await heapOf(page)) - before).toBeLessThan(1_500_000);
    await page.close();
  });
});
