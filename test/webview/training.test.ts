import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  pathOf,
  syntheticHistory,
  syntheticPreview,
  syntheticRows,
  syntheticStatus,
  syntheticSummary,
} from '../../webview/feeds/synthetic';
import type { HostToTraining } from '../../webview/protocol';
import type { ViewState } from '../../webview/training/view-state';
import type { ThemeName } from '../../webview/feeds/themes';
import { RUN, OTHER, hydrate, training, live, metrics } from './training-feed';
import { launch, ViewPage } from './view-page';

let browser: Browser;
let view: ViewPage;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

const text = (selector: string) => view.page.locator(selector).first().innerText();
const button = (name: string) => view.page.getByRole('button', { name, exact: true });
const readout = () => text('.chart-card .readout');

describe('the training view', () => {
  beforeEach(async () => {
    view = await ViewPage.open(browser, 'training');
  });

  afterEach(async () => {
    expect(await view.wrongs()).toEqual([]);
    await view.close();
  });

  it('shows where the training stands', async () => {
    await view.send(live());
    expect(await text('h1')).toBe(RUN.name);
    expect(await text('.pill')).toBe('Running');
    expect(await text('.steps')).toBe('step 200 of 400 · 50 %');
    const facts = await text('.facts');
    for (const fact of ['cpu, 3 threads', '278 k', '8.30 steps / s', '412 MB', '24 s']) {
      expect(facts).toContain(fact);
    }
    expect(await text('.device-reason')).toContain('no adapter was found');
    expect(await readout()).toMatch(/^step 200 · 24 s · /);
  });

  it('gives no reason for a device that was asked for', async () => {
    const status = { ...training(), deviceReason: 'as asked for' };
    await view.send(hydrate(RUN, { status }));
    expect(await view.page.locator('.device-reason').isVisible()).toBe(false);
  });

  it('says whether previews are still to come, or off', async () => {
    const history = { ...syntheticHistory(RUN), previewSteps: [] };
    await view.send(hydrate(RUN, { history }));
    expect(await text('.timeline .hint')).toBe('The first preview has not been drawn yet.');
    const config = { training: { previewEvery: 0 } };
    await view.send(hydrate(RUN, { history: { ...history, config } }));
    expect(await text('.timeline .hint')).toBe(
      'Previews are off in this run: its previewEvery is 0.',
    );
  });

  it('draws what streams in, and says when it has', async () => {
    await view.send(live());
    for (let seq = 1; seq <= 5; seq++) {
      await view.send(metrics(seq, 200 + (seq - 1) * 10, 200 + seq * 10));
      expect(await view.posted('ack')).toEqual({ type: 'ack', seq });
    }
    const { loss } = syntheticRows(RUN, 249, 250);
    expect(await readout()).toContain(`step 250 · `);
    expect(await readout()).toContain(`loss ${loss[0]!.toFixed(4)}`);
  });

  it('shows a long run by its overview until all its rows are there', async () => {
    const overview = syntheticRows(RUN, 199, 200);
    const history = { ...syntheticHistory(RUN), columns: overview, rows: 205 };
    await view.send(hydrate(RUN, { history }));
    expect(await readout()).toMatch(/^step 200 /);
    await view.send(metrics(1, 0, 100, 105));
    expect(await view.posted('ack')).toEqual({ type: 'ack', seq: 1 });
    expect(await readout()).toMatch(/^step 200 /);
    await view.send(metrics(2, 100, 205));
    expect(await readout()).toMatch(/^step 205 /);
    await view.page.locator('.chart-keys').focus();
    await view.page.keyboard.press('Home');
    expect(await readout()).toMatch(/^step 1 /);
    await view.send(metrics(3, 205, 210));
    await view.page.keyboard.press('Escape');
    expect(await readout()).toMatch(/^step 210 /);
  });

  it('marks from where a run was resumed, and drops the rows that it writes again', async () => {
    await view.send(live());
    expect(await text('.legend')).not.toContain('resumed');
    await view.send(metrics(1, 150, 160));
    expect(await readout()).toMatch(/^step 160 /);
    const summary = { ...syntheticSummary(RUN), resumedAt: [150] };
    await view.send({ type: 'summary', summary } satisfies HostToTraining);
    expect(await text('.legend')).toContain('resumed');
  });

  it.each([
    ['running', 'Pause', 'pause'],
    ['paused', 'Continue', 'unpause'],
    ['running', 'Stop', 'stop'],
    ['running', 'Checkpoint now', 'checkpointNow'],
    ['stopped', 'Resume', 'resume'],
    ['finished', 'Sample', 'sample'],
  ] as const)('while %s, offers %s by keyboard', async (state, name, action) => {
    await view.send(hydrate(RUN, { status: training({ state }) }));
    await button(name).focus();
    await view.page.keyboard.press('Enter');
    expect(await view.posted('act')).toEqual({ type: 'act', action });
  });

  it('offers nothing that cannot be done', async () => {
    const history = syntheticHistory({ ...RUN, done: 10 });
    const summary = { ...history.summary, checkpoints: [] };
    const status = training({
      state: 'preparing',
      preparing: { what: 'Compiling', done: 0, total: 0 },
    });
    await view.send(hydrate(RUN, { status, history: { ...history, summary } }));
    expect(await button('Pause').isDisabled()).toBe(true);
    expect(await button('Sample').isDisabled()).toBe(true);
    expect(await text('.steps')).toBe('Compiling');
  });

  it('announces milestones, not steps', async () => {
    const said = () => view.page.locator('.visually-hidden[role=status]').textContent();
    await view.send(live());
    await view.send({ type: 'status', status: training({ step: 201 }) });
    expect(await said()).toBe('');
    const lastCheckpoint = { run: pathOf(RUN), step: 210, path: `${pathOf(RUN)}/checkpoints/x` };
    await view.send({ type: 'status', status: training({ lastCheckpoint }) });
    expect(await said()).toBe('Checkpoint written at step 210.');
    await view.send({ type: 'status', status: training({ state: 'finished', lastCheckpoint }) });
    expect(await said()).toBe('Finished.');
  });

  it('says why it failed', async () => {
    const message = 'The loss is no longer a number since step 88; lower training.lr.';
    await view.send(hydrate(RUN, { status: training({ state: 'failed', message }) }));
    expect(await text('.pill')).toBe('Failed');
    expect(await text('.run-header .notice')).toBe(message);
  });

  it('offers the engine’s restart when it is down', async () => {
    const history = syntheticHistory(RUN);
    const summary = { ...history.summary, status: 'interrupted' as const };
    const health = { state: 'down', message: 'The engine ended unexpectedly.' } as const;
    await view.send(hydrate(RUN, { history: { ...history, summary }, health }));
    expect(await text('.pill')).toBe('Interrupted');
    await button('Restart the engine').click();
    await view.posted('restart');
    await button('Resume').click();
    expect(await view.posted('act')).toMatchObject({ action: 'resume' });
    await view.send({ type: 'engine', health: { state: 'up', message: null } });
    expect(await button('Restart the engine').count()).toBe(0);
  });

  it('offers to train where there is no run', async () => {
    await view.send(hydrate(RUN, { run: null, history: null }));
    expect(await text('h1')).toBe('No run is being trained');
    await button('Train …').click();
    expect(await view.posted('act')).toMatchObject({ action: 'train' });
  });

  it('says that it reads, and why it cannot, and tries again', async () => {
    await view.send(hydrate(RUN, { history: null }));
    expect(await text('.empty-state')).toBe('Reading the run …');
    await view.send({ type: 'failed', message: '/runs/x is not a run: run.json is missing.' });
    expect(await text('.empty-state [role=alert]')).toContain('run.json is missing');
    await button('Try again').click();
    await view.posted('ready');
    await view.send(live());
    expect(await text('h1:visible')).toBe(RUN.name);
  });

  it('asks for the preview that is looked at, and plays', async () => {
    await view.send(live());
    const wanted = await view.posted<{ steps: number[] }>('wantPreviews');
    expect(wanted.steps).toEqual([200]);
    await view.send({ type: 'previews', previews: [syntheticPreview(RUN, 200)] });
    const picture = view.page.locator('.timeline .pixel-grid');
    expect(await picture.getAttribute('aria-label')).toBe('Preview of 16 images at step 200');
    await view.page.locator('.timeline .slider').focus();
    await view.page.keyboard.press('Home');
    expect((await view.posted<{ steps: number[] }>('wantPreviews')).steps).toEqual([20, 40]);
    expect(await text('.timeline output')).toBe('step 20');
    await view.page.keyboard.press('Space');
    await button('Pause').nth(1).waitFor();
    await view.page.locator('.timeline output', { hasText: 'step 200' }).waitFor();
    await button('Play').waitFor();
  });

  it('follows the newest preview until another is chosen', async () => {
    await view.send(live());
    await view.send({ type: 'previews', previews: [syntheticPreview(RUN, 220)] });
    expect(await text('.timeline output')).toBe('step 220');
    await view.page.locator('.timeline .slider').focus();
    await view.page.keyboard.press('ArrowLeft');
    await view.send({ type: 'previews', previews: [syntheticPreview(RUN, 240)] });
    expect(await text('.timeline output')).toBe('step 200');
    expect((await view.state<ViewState>()).previewStep).toBe(200);
  });

  it('draws pixels crisply', async () => {
    await view.send(live());
    await view.send({ type: 'previews', previews: [syntheticPreview(RUN, 200)] });
    const [width, tones] = await view.page.evaluate<[number, number]>(`(() => {
      const canvas = document.querySelector('.timeline canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const blurred = new Set();
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) blurred.add(data[i]);
      return [canvas.width, blurred.size];
    })()`);
    const { pixels } = syntheticPreview(RUN, 200);
    // Four pictures of 16 pixels, each pixel 5 wide, and three gaps of 2.
    expect(width).toBe(4 * 16 * 5 + 3 * 2);
    expect(tones).toBe(new Set(pixels.data).size);
  });

  it.each(['dark', 'light', 'high-contrast'] as const)(
    'has no serious fault in %s',
    async (theme) => {
      await view.close();
      view = await ViewPage.open(browser, 'training', { theme: theme satisfies ThemeName });
      const run = { ...RUN, heldOutEvery: 20 };
      const history = syntheticHistory(run);
      await view.send(hydrate(run, { status: syntheticStatus(run), history }));
      await view.send({ type: 'previews', previews: [syntheticPreview(RUN, 200)] });
      await view.page.locator('.compare summary').click();
      await view.page.getByRole('checkbox', { name: OTHER.name }).click();
      await view.send({ type: 'overlay', history: syntheticHistory(OTHER) });
      await view.settled();
      await view.shoot(`training-${theme}`);
      await view.page.locator('vscode-button[title="Show as table"]').first().click();
      expect(await seriousFaults(view)).toEqual([]);
    },
  );

  it.each([320, 400, 1280, 2400])('fits into %i pixels', async (width) => {
    await view.page.setViewportSize({ width, height: 800 });
    const name = 'a-folder-of-scanned-botanical-illustrations-with-a-long-name-2026-11-22-1';
    const run = { ...RUN, name };
    await view.send(hydrate(run, { status: syntheticStatus(run), history: syntheticHistory(run) }));
    const excess = await view.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(excess).toBeLessThanOrEqual(0);
  });
});

describe('a view that is shown again', () => {
  it('is as it was left', async () => {
    const state: ViewState = {
      run: pathOf(RUN),
      xAxis: 'step',
      isLog: false,
      smoothing: 0,
      zoom: { min: 50, max: 60 },
      overlays: [pathOf(OTHER)],
      previewStep: 60,
      tables: ['lr'],
      isComparing: true,
    };
    view = await ViewPage.open(browser, 'training', { state });
    await view.send(live());
    expect(await view.posted('overlay')).toMatchObject({ run: pathOf(OTHER) });
    expect(await text('.timeline output')).toBe('step 60');
    expect(await view.page.getByRole('checkbox', { name: 'Log scale' }).isChecked()).toBe(false);
    expect(await text('.smoothing-value')).toBe('off');
    const rows = await view.page.locator('.side-charts table tr').allInnerTexts();
    expect(rows.slice(1).map((row) => row.split('\t')[0])).toEqual(
      Array.from({ length: 11 }, (_, i) => String(50 + i)),
    );
    expect(await view.state<ViewState>()).toEqual(state);
    expect(await view.wrongs()).toEqual([]);
    await view.close();
  });

  it('begins anew with another run, but for its habits', async () => {
    view = await ViewPage.open(browser, 'training', {
      state: { run: '/other', isLog: false, zoom: { min: 1, max: 2 } },
    });
    await view.send(live());
    expect(await view.state<ViewState>()).toMatchObject({
      run: pathOf(RUN),
      isLog: false,
      zoom: null,
    });
    await view.close();
  });
});

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** What axe-core finds that keeps someone out. */
async function seriousFaults({ page }: ViewPage): Promise<unknown[]> {
  // By the protocol, not by a script element: the page's policy stays as it is.
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8'));
  const { violations } = (await page.evaluate('axe.run()')) as AxeResult;
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => ({
      id,
      nodes: nodes.slice(0, 3).map(({ html, failureSummary }) => [html, failureSummary]),
    }));
}
