import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  pathOf,
  syntheticHistory,
  syntheticRows,
  syntheticStatus,
  syntheticSummary,
} from '../../webview/feeds/synthetic';
import type { ViewState } from '../../webview/training/view-state';
import { RUN, OTHER, hydrate, live } from './training-feed';
import { launch, ViewPage } from './view-page';

let browser: Browser;
let view: ViewPage;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  view = await ViewPage.open(browser, 'training');
});
afterEach(async () => {
  expect(await view.wrongs()).toEqual([]);
  await view.close();
});

const text = (selector: string) => view.page.locator(selector).first().innerText();
const readout = () => text('.chart-card .readout');

describe('the charts of the training view', () => {
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
});
