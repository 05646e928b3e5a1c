import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { bundlesOf, pageOf } from '../../webview/feeds/page.mjs';

/** Milliseconds of scripts in a frame, at the 95th percentile. */
export const MOST_MILLISECONDS = 16;
/** Of the heap without garbage, from the first tenth of the time to its end. */
export const MOST_GROWTH = 0.1;

const ROOT = path.resolve(import.meta.dirname, '../..');
const ORIGIN = 'http://view.test';
const TYPES = { '.js': 'text/javascript', '.css': 'text/css' };
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const FLAGS = [
  '--no-sandbox',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
];

/** Streams into both views at once. */
export async function measureViews(minutes) {
  const given = process.env['CHROMIUM_PATH'];
  const executablePath = [given, ...PLACES].find((place) => place && existsSync(place));
  if (!executablePath) {
    process.stderr.write('error: there is no Chromium; install it, or set CHROMIUM_PATH.\n');
    process.exit(2);
  }
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    return await Promise.all(
      ['training', 'samples'].map((view) => measure(browser, view, minutes * 60_000)),
    );
  } finally {
    await browser.close();
  }
}

async function measure(browser, view, milliseconds) {
  const wrongs = [];
  const page = await open(browser, view, wrongs);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const heaps = [];
  const arrays = [];
  const weigh = async () => {
    // What is held in between comes and goes: the least of some is what stays.
    const weights = [];
    for (let i = 0; i < 5; i++) {
      await session.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize = 0 } = await session.send('Runtime.getHeapUsage');
      weights.push([usedSize, backingStorageSize]);
      await page.waitForTimeout(milliseconds / 400);
    }
    heaps.push(Math.min(...weights.map(([used]) => used)));
    arrays.push(Math.min(...weights.map(([, stored]) => stored)));
  };
  const processor = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'ScriptDuration').value * 1000;
  };
  await page.waitForTimeout(milliseconds / 10);
  await weigh();
  await page.evaluate(
    'load.clock.take(), Object.assign(load.traffic, { sent: 0, drawn: 0, replaced: 0 })',
  );
  const before = await processor();
  await page.waitForTimeout(milliseconds * 0.45);
  await weigh();
  await page.waitForTimeout(milliseconds * 0.45);
  const after = await processor();
  const { times, traffic, violations } = await page.evaluate(
    '({ times: [...load.clock.take()], traffic: { ...load.traffic }, violations: load.violations })',
  );
  await weigh();
  wrongs.push(...violations);
  await page.context().close();
  const sorted = times.sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return {
    view,
    frames: sorted.length,
    ...{ p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) },
    // The feed's own scripts are in it, and other threads' turns are not.
    processor: (after - before) / sorted.length,
    ...{
      heaps,
      arrays,
      growth: heaps.at(-1) / heaps[0] - 1,
      traffic,
      wrongs: [...new Set(wrongs)],
    },
  };
}

async function open(browser, view, wrongs) {
  const built = await Promise.all(bundlesOf(view, ROOT, 'load').map((options) => build(options)));
  const outputs = built.flatMap(({ outputFiles }) => outputFiles);
  const files = new Map(outputs.map((file) => [`/${path.basename(file.path)}`, file.contents]));
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => wrongs.push(error.stack ?? error.message));
  await page.route(`${ORIGIN}/**`, (route) => {
    const { pathname } = new URL(route.request().url());
    const body = pathname === '/' ? pageOf(view, ORIGIN) : files.get(pathname);
    if (body === undefined) return route.fulfill({ status: 204 });
    const contentType = TYPES[path.extname(pathname)] ?? 'text/html';
    return route.fulfill({ body: Buffer.from(body), contentType });
  });
  await page.goto(`${ORIGIN}/?view=${view}`);
  await page.locator('canvas:visible').first().waitFor();
  return page;
}
