import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { HostToSamples, SampleForm } from '../../webview/protocol';
import { MODELS, FORM, HYDRATE, done } from './samples-feed';
import { launch, ViewPage } from './view-page';

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

async function open(message: HostToSamples): Promise<void> {
  view = await ViewPage.open(browser, 'samples');
  await view.send(message);
}

const button = (name: string) => view.page.getByRole('button', { name });

describe('solver and steps in the samples view', () => {
  it('takes the solver of the chosen model, says which that is, and follows the model', async () => {
    const form = { ...FORM, solver: null, steps: null };
    await open({ ...HYDRATE, form });
    const solver = view.page.getByRole('combobox', { name: 'Solver' });
    const facts = { type: 'facts', classes: null, timesteps: 1000 } as const;
    const [first, second] = MODELS.map(({ path }) => path);
    const euler = { own: 'euler', taken: 'euler' };
    await view.send({ ...facts, model: first, solver: euler });
    await expect.poll(() => solver.textContent()).toContain('Euler (the model’s)');
    await view.page.getByText('Euler is the scheduler that the model’s folder names.').waitFor();
    await view.shoot('samples-own-solver');
    await button('Sample').press('Enter');
    expect(await view.posted('sample')).toMatchObject({ forms: [{ ...form, solver: 'euler' }] });
    await view.send({ type: 'wish', wish: { models: [second], start: false } });
    await view.send({ ...facts, model: second, solver: { own: 'ddpm', taken: 'ddim' } });
    await view.page.getByText('The model’s folder names DDPM, which').waitFor();
    expect(await view.inaccessible()).toEqual([]);
    expect(await view.page.getByRole('textbox', { name: 'η, 0 … 1' }).isVisible()).toBe(true);
    await solver.press('ArrowDown');
    await button('Sample').press('Enter');
    expect(await view.posted('sample')).toMatchObject({ forms: [{ solver: 'ddpm' }] });
    expect(await view.page.getByText('The model’s folder names').isVisible()).toBe(false);
  });

  it('samples by the models’ own solvers only when they are known, each row by its own', async () => {
    const models = MODELS.map(({ path }) => path);
    const form = { ...FORM, solver: null };
    await open({ ...HYDRATE, form, wish: { models, start: true } });
    await view.page.getByText('Opening the model …').waitFor();
    const facts = { type: 'facts', classes: null, timesteps: 1000 } as const;
    const asked = [await view.posted('askFacts'), await view.posted('askFacts')];
    expect(asked.map(({ model }) => model)).toEqual(models);
    await view.send({ ...facts, model: models[0], solver: { own: 'pndm', taken: 'pndm' } });
    expect((await view.untaken()).map(({ type }) => type)).not.toContain('sample');
    await view.send({ ...facts, model: models[1], solver: null });
    const { forms } = await view.posted<{ forms: SampleForm[] }>('sample');
    expect(forms.map(({ solver }) => solver)).toEqual(['pndm', null]);
    expect(await view.page.getByText('Opening the model …').isVisible()).toBe(false);
  });

  it('forgets a sampling that is cancelled before its model is known', async () => {
    await open({ ...HYDRATE, form: { ...FORM, solver: null } });
    await button('Sample').press('Enter');
    await button('Cancel').press('Enter');
    await expect.poll(() => button('Sample').isDisabled()).toBe(false);
    const facts = { type: 'facts', model: FORM.model, classes: null, timesteps: 1000 } as const;
    await view.send({ ...facts, solver: { own: 'ddim', taken: 'ddim' } });
    const posted = (await view.untaken()).map(({ type }) => type);
    expect(posted.filter((type) => ['sample', 'cancel'].includes(type))).toEqual([]);
  });

  it('takes no more steps than the chosen model has timesteps, and says so in the field', async () => {
    await open({ ...HYDRATE, form: { ...FORM, steps: 500 } });
    const [short, long] = MODELS.map(({ path }) => path);
    const facts = (model: string, timesteps: number) =>
      view.send({ type: 'facts', model, classes: null, timesteps, solver: null });
    const fault = view.page
      .getByText('This model has 100 timesteps: give at most 100 steps.')
      .filter({ visible: true });
    await facts(long!, 1000);
    expect(await fault.count()).toBe(0);
    await facts(short!, 100);
    await fault.waitFor();
    await button('Sample').press('Enter');
    await view.page.getByText('A field has a value that cannot be').waitFor();
    expect((await view.untaken()).filter(({ type }) => type === 'sample')).toEqual([]);
    const steps = view.page.getByRole('textbox', { name: 'Steps' });
    await steps.fill('100');
    await steps.press('Enter');
    expect(await fault.count()).toBe(0);
    await button('Sample').press('Enter');
    expect(await view.posted('sample')).toMatchObject({ forms: [{ steps: 100 }] });
  });

  it('says why a single step with leading spacing leaves noise', async () => {
    const form = { ...FORM, steps: 1 };
    const one = done('a', form);
    const settings = { ...one.result!.settings, steps: 1, spacing: 'leading' };
    await open({ ...HYDRATE, rows: [{ ...one, result: { ...one.result!, settings } }] });
    const note = view.page.getByText('choose trailing spacing, or more steps');
    await note.waitFor();
    const changed = { ...one.result!, settings: { ...settings, spacing: 'trailing' } };
    await view.send({ type: 'row', row: { ...one, result: changed } });
    await note.waitFor({ state: 'hidden' });
  });
});
