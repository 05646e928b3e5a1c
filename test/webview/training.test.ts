import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingStatus } from '../../src/engine/protocol';
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
import { launch, ViewPage } from './view-page';

const RUN = { name: 'digits-2026-11-24-1', steps: 400, seed: 1, done: 200 };
const OTHER = { name: 'digits-2026-11-23-1', steps: 300, seed: 2, lr: 1e-3 };

let browser: Browser;
let view: ViewPage;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

function hydrate(
  run: typeof RUN,
  changes: Partial<Extract<HostToTraining, { type: 'hydrate' }>> = {},
): HostToTraining {
  return {
    type: 'hydrate',
    run: pathOf(run),
    history: syntheticHistory(run),
    status: null,
    health: { state: 'up', message: null },
    others: [syntheticSummary(OTHER)],
    ...changes,
  };
}

const training = (changes: Partial<TrainingStatus> = {}) => syntheticStatus(RUN, changes);
const live = () => hydrate(RUN, { status: training() });

const text = (selector: string) => view.page.locator(selector).first().innerText();
const button = (name: string) => view.page.getByRole('button', { name, exact: true });
const readout = () => text('.chart-card .readout');

/** Rows of the run from one step to another, as the host sends them. */
function metrics(seq: number, from: number, to: number, left = 0): HostToTraining {
  const delta = { run: pathOf(RUN), from, columns: syntheticRows(RUN, from, to), left };
  return { type: 'metrics', seq, delta };
}

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

  it('lays another run over, and tells what differs', async () => {
    await view.send(live());
    await view.page.locator('.compare summary').click();
    await view.page.getByRole('checkbox', { name: OTHER.name }).click();
    expect(await view.posted('overlay')).toMatchObject({ run: pathOf(OTHER) });
    await view.send({ type: 'overlay', history: syntheticHistory(OTHER) });
    expect(await text('.legend')).toContain(OTHER.name);
    expect(await readout()).toContain(`${OTHER.name} 0.0`);
    const table = await text('.compare table');
    expect(table).toContain('training.lr\t0.002\t0.001');
    await view.page.getByRole('checkbox', { name: OTHER.name }).click();
    await view.page.locator('.compare table').waitFor({ state: 'detached' });
    expect(await view.posted('dropOverlay')).toMatchObject({ run: pathOf(OTHER) });
    expect(await text('.legend')).not.toContain(OTHER.name);
  });

  it('tells each line’s value at the cross hair, that on held-out images as last measured', async () => {
    const run = { ...RUN, heldOutEvery: 50 };
    await view.send(hydrate(run, { status: syntheticStatus(run), history: syntheticHistory(run) }));
    const entries = async () =>
      (await view.page.locator('.legend li').allInnerTexts()).map((each) =>
        each.replace(/\s+/g, ' ').trim(),
      );
    const at = (step: number) => syntheticRows(run, step - 1, step);
    const [first, , heldOut] = await entries();
    expect(first).toBe(`loss ${at(200).loss[0]!.toFixed(4)}`);
    expect(heldOut).toBe(`held out ${at(200).heldOutLoss[0]!.toFixed(4)}`);
    await view.page.locator('.chart-keys').focus();
    await view.page.keyboard.press('Home');
    expect((await entries())[0]).toBe(`loss ${at(1).loss[0]!.toFixed(4)}`);
    expect((await entries())[2]).toBe('held out –');
  });

  it('lays a long run over by its overview, and then by all of its rows', async () => {
    await view.send(live());
    await view.page.locator('.compare summary').click();
    await view.page.getByRole('checkbox', { name: OTHER.name }).click();
    const columns = syntheticRows(OTHER, 99, 100);
    await view.send({ type: 'overlay', history: { ...syntheticHistory(OTHER), columns } });
    const shown = async () => (await readout()).match(new RegExp(`${OTHER.name} (\\S+)`))?.[1];
    const before = await shown();
    const rows = (seq: number, from: number, to: number) => {
      const delta = { run: pathOf(OTHER), from, columns: syntheticRows(OTHER, from, to) };
      return view.send({ type: 'metrics', seq, delta: { ...delta, left: 300 - to } });
    };
    await rows(1, 0, 250);
    expect(await view.posted('ack')).toEqual({ type: 'ack', seq: 1 });
    expect(await shown()).toBe(before);
    await rows(2, 250, 300);
    expect(await view.posted('ack')).toEqual({ type: 'ack', seq: 2 });
    expect(await shown()).not.toBe(before);
  });

  it('lays over what was chosen as soon as it is there, and nothing that is gone', async () => {
    await view.close();
    const state = { run: pathOf(RUN), overlays: [pathOf(OTHER), '/runs/deleted'] };
    view = await ViewPage.open(browser, 'training', { state });
    await view.send(hydrate(RUN, { others: [] }));
    expect((await view.untaken()).filter(({ type }) => type === 'overlay')).toEqual([]);
    await view.send({ type: 'others', others: [syntheticSummary(OTHER)] });
    expect(await view.posted('overlay')).toMatchObject({ run: pathOf(OTHER) });
    expect((await view.untaken()).filter(({ type }) => type === 'overlay')).toEqual([]);
  });

  it('zooms by dragging, pans with shift, and resets by a double click', async () => {
    await view.send(live());
    const box = (await view.page.locator('.chart-keys .u-over').boundingBox())!;
    const { mouse, keyboard } = view.page;
    const drag = async (from: number, to: number) => {
      await mouse.move(box.x + box.width * from, box.y + 80);
      await mouse.down();
      await mouse.move(box.x + box.width * to, box.y + 90, { steps: 4 });
      await mouse.up();
    };
    await drag(0.25, 0.5);
    const zoom = (await view.state<ViewState>()).zoom!;
    expect(zoom.min).toBeCloseTo(1 + 199 * 0.25, -0.5);
    expect(zoom.max).toBeCloseTo(1 + 199 * 0.5, -0.5);
    await keyboard.down('Shift');
    await drag(0.5, 0.25);
    await keyboard.up('Shift');
    const moved = (await view.state<ViewState>()).zoom!;
    expect(moved.max - moved.min).toBeCloseTo(zoom.max - zoom.min, 3);
    expect(moved.min - zoom.min).toBeCloseTo((zoom.max - zoom.min) * 0.25, -0.5);
    await mouse.dblclick(box.x + 50, box.y + 50);
    expect((await view.state<ViewState>()).zoom).toBeNull();
  });

  it('reads and zooms by keyboard', async () => {
    await view.send(live());
    await view.page.locator('.chart-keys').focus();
    const press = (key: string) => view.page.keyboard.press(key);
    await press('Home');
    expect(await readout()).toMatch(/^step 1 /);
    await press('ArrowRight');
    expect(await readout()).toMatch(/^step 3 /);
    await press('+');
    const { zoom } = await view.state<ViewState>();
    expect(zoom!.max - zoom!.min).toBeCloseTo(199 / 2, 6);
    await press('Shift+ArrowRight');
    expect((await view.state<ViewState>()).zoom!.min).toBeGreaterThan(zoom!.min);
    await press('0');
    expect((await view.state<ViewState>()).zoom).toBeNull();
  });

  it('counts in time and epochs', async () => {
    await view.send(live());
    const axis = view.page.getByRole('combobox', { name: 'Over' });
    await axis.focus();
    await view.page.keyboard.press('ArrowDown');
    await expect.poll(async () => (await view.state<ViewState>()).xAxis).toBe('time');
    await view.page.locator('.chart-keys').focus();
    await view.page.keyboard.press('Home');
    expect(await readout()).toMatch(/^step 1 /);
  });

  it('has a table for each chart', async () => {
    await view.send(live());
    const toggles = view.page.locator('vscode-button[title="Show as table"]');
    expect(await toggles.count()).toBe(7);
    for (const toggle of await toggles.all()) await toggle.click();
    const tables = view.page.locator('.chart-card table');
    expect(await tables.count()).toBe(7);
    const last = syntheticRows(RUN, 199, 200);
    expect(await tables.first().locator('tr').last().innerText()).toMatch(
      new RegExp(`^200\\t24 s\\t0\\.2128\\t${last.loss[0]!.toFixed(4)}`),
    );
    expect(await tables.first().locator('tr').count()).toBeLessThanOrEqual(51);
    expect(await tables.nth(5).locator('tr').count()).toBe(11);
    expect((await view.state<ViewState>()).tables).toHaveLength(7);
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
