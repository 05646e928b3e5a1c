import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EvaluationStatus } from '../../src/engine/protocol';
import { emptyColumns } from '../../src/engine/columns';
import { pathOf, syntheticHistory, syntheticStatus } from '../../webview/feeds/synthetic';
import {
  syntheticEvaluations,
  syntheticEvaluationStatus,
} from '../../webview/feeds/synthetic-evaluations';
import type { ThemeName } from '../../webview/feeds/themes';
import type { HostToTraining } from '../../webview/protocol';
import type { ViewState } from '../../webview/training/view-state';
import { launch, ViewPage } from './view-page';

const RUN = { name: 'digits-2026-11-24-1', steps: 400, seed: 1, done: 360 };
const EVALUATIONS = syntheticEvaluations(RUN, 100);

let browser: Browser;
let view: ViewPage;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

function hydrate(
  evaluation: Partial<EvaluationStatus> | null,
  evaluations = EVALUATIONS,
): HostToTraining {
  const status =
    evaluation && syntheticStatus(RUN, { evaluation: syntheticEvaluationStatus(evaluation) });
  return {
    type: 'hydrate',
    run: pathOf(RUN),
    history: { ...syntheticHistory(RUN), evaluations },
    status,
    health: { state: 'up', message: null },
    others: [],
  };
}

const card = () => view.page.locator('.evaluation-card');
const text = (selector: string) => card().locator(selector).innerText();
const button = (name: string) => view.page.getByRole('button', { name, exact: true });

describe('the evaluations in the training view', () => {
  beforeEach(async () => {
    view = await ViewPage.open(browser, 'training');
  });

  afterEach(async () => {
    expect(await view.wrongs()).toEqual([]);
    await view.close();
  });

  it('are turned on when their cost was shown, for any interval, and off', async () => {
    await view.send(hydrate({ every: 0 }, []));
    expect(await text('.hint')).toMatch(/What that costs is measured first/);
    expect(await button('Turn on').isVisible()).toBe(false);
    await button('Show the cost').click();
    expect(await view.posted('askEvaluationCost')).toMatchObject({ samples: 200 });
    expect(await text('.evaluation-cost')).toBe('Measuring, between two steps …');
    const cost = { samples: 200, secondsOnce: 40, secondsEach: 12, secondsPerStep: 0.25 };
    await view.send({ type: 'evaluationCost', cost });
    expect(await text('.evaluation-cost')).toBe(
      'Evaluations take about 12 s each, which makes the training 10 % longer, and once 40 s to learn the features.',
    );
    const every = card().getByRole('textbox', { name: 'Evaluate every' });
    await every.fill('100');
    await every.press('Tab');
    expect(await text('.evaluation-cost')).toContain('48 % longer');
    await button('Turn on').click();
    const wish = { every: 100, samples: 200 };
    expect(await view.posted('evaluateEvery')).toMatchObject({ wish });
    const evaluation = syntheticEvaluationStatus(wish);
    await view.send({ type: 'status', status: syntheticStatus(RUN, { evaluation }) });
    expect(await text('.hint')).toBe('The first evaluation comes after step 400, or at the end.');
    expect(await text('.evaluation-cost')).toMatch(
      /^200 samples every 100 steps: about 12 s each, which makes the training 48 % longer/,
    );
    await button('Turn off').click();
    expect(await view.posted('evaluateEvery')).toMatchObject({ wish: { every: 0, samples: 200 } });
  });

  it('have their cost measured anew for another number of samples, or where it failed', async () => {
    await view.send(hydrate({ every: 0 }, []));
    const cost = { samples: 200, secondsOnce: 0, secondsEach: 12, secondsPerStep: 0.25 };
    await view.send({ type: 'evaluationCost', cost });
    expect(await button('Turn on').isVisible()).toBe(true);
    const samples = card().getByRole('textbox', { name: 'Samples' });
    await samples.fill('400');
    await samples.press('Tab');
    expect(await button('Turn on').isVisible()).toBe(false);
    await button('Show the cost').click();
    expect(await view.posted('askEvaluationCost')).toMatchObject({ samples: 400 });
    await view.send({ type: 'evaluationCost', cost: null });
    expect(await text('.evaluation-cost')).toBe('');
    expect(await button('Show the cost').isEnabled()).toBe(true);
  });

  it('are a line with its error beside that of held-out images, and a table', async () => {
    await view.send(hydrate(null));
    const last = EVALUATIONS.at(-1)!;
    const legend = await text('.legend');
    expect(legend).toContain('held-out images');
    expect(legend).toContain(last.frechet.toFixed(4));
    expect(await card().locator('canvas').isVisible()).toBe(true);
    expect(await card().locator('.hint').isVisible()).toBe(false);
    const more = [...EVALUATIONS, { ...last, step: 360, frechet: 0.4321 }];
    const delta = { run: pathOf(RUN), from: 360, columns: emptyColumns(0, 10), left: 0 };
    await view.send({ type: 'metrics', seq: 1, delta: { ...delta, evaluations: more } });
    expect(await text('.legend')).toContain('0.4321');
    await button('Show fréchet distance as table').click();
    const rows = await card().locator('tbody tr').allInnerTexts();
    expect(rows).toHaveLength(4);
    expect(rows.at(-1)).toMatch(/^360\t0\.4321\t/);
    expect((await view.state<ViewState>()).tables).toEqual(['evaluation']);
  });

  it('are explained where a run has none', async () => {
    await view.send(hydrate(null, []));
    expect(await text('.hint')).toMatch(/^This run was not evaluated.*train --evaluate-every 500/);
    expect(await card().locator('.evaluation-control').isVisible()).toBe(false);
  });

  it('show in the header while they are under way', async () => {
    const running = { what: 'drawing samples', share: 0.424 };
    await view.send(hydrate({ running }));
    expect(await view.page.locator('.pill').innerText()).toBe('Evaluating');
    expect(await view.page.locator('.steps').innerText()).toBe(
      'step 360 of 400 · 90 % · evaluating: drawing samples 42 %',
    );
    expect(await button('Pause').isEnabled()).toBe(true);
  });
});

describe.each(['light', 'dark', 'high-contrast'] as const)('evaluations in %s', (theme) => {
  it.each([1280, 420])('look right %i pixels wide', async (width) => {
    view = await ViewPage.open(browser, 'training', { theme: theme satisfies ThemeName, width });
    const cost = { samples: 200, secondsOnce: 40, secondsEach: 12, secondsPerStep: 0.25 };
    await view.send(hydrate({ cost, running: { what: 'drawing samples', share: 0.4 } }));
    await view.shoot(`evaluation-on-${theme}-${width}`);
    expect(await view.inaccessible()).toEqual([]);
    await view.send(hydrate({ every: 0 }, []));
    await view.send({ type: 'evaluationCost', cost });
    await view.shoot(`evaluation-off-${theme}-${width}`);
    expect(await view.inaccessible()).toEqual([]);
    const wide = await view.page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(width);
    expect(await view.wrongs()).toEqual([]);
    await view.close();
  });
});
