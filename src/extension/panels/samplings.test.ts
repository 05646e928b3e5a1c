import { describe, expect, it } from 'vitest';
import type { SampleForm } from '../../../webview/protocol';
import { EngineError } from '../../engine/client';
import type { Frame, SampleRequest } from '../../engine/protocol';
import type { Services } from '../services';
import { Samplings } from './samplings';

const FORM: SampleForm = {
  model: '/runs/digits/checkpoints/step-000100',
  solver: 'ddim',
  steps: 5,
  eta: 0,
  seed: 1,
  count: 4,
  spacing: null,
  variance: null,
};

/** An engine that answers by hand, and samplings on it whose events are written down. */
function samplings() {
  const asked: { request: SampleRequest; settle: (error?: EngineError) => void }[] = [];
  const listeners = new Set<(frame: Frame) => void>();
  const engine = {
    request: (_: string, request: SampleRequest, { signal }: { signal: AbortSignal }) =>
      new Promise((resolve, reject) => {
        const settle = (error?: EngineError) =>
          error ? reject(error) : resolve({ job: request.job });
        signal.addEventListener('abort', () => settle(new EngineError(STOPPED)));
        asked.push({ request, settle });
      }),
    on: (_: string, listener: (frame: Frame) => void) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
  };
  const told: string[] = [];
  const all = new Samplings({ engine, settings: { device: 'cpu' } } as unknown as Services, {
    rows: (rows) => told.push(`rows ${rows.map(({ state }) => state).join()}`),
    row: ({ state }) => told.push(state),
    frame: ({ step }) => told.push(`frame ${step}`),
    trying: (isTrying) => told.push(isTrying ? 'trying' : 'tried'),
    failed: (message) => told.push(message),
    fault: () => told.push('log'),
  });
  const frame = (step: number) => {
    const { job } = asked.at(-1)!.request;
    listeners.forEach((listener) => listener({ job, step } as Frame));
  };
  return { all, told, asked, frame, last: () => asked.at(-1)! };
}

const STOPPED = { kind: 'stopped', message: 'stopped' } as const;
const TOO_MANY = new EngineError({ kind: 'user', message: 'Too many steps.' });

/** A sampling that has drawn its pictures. */
async function drawn() {
  const made = samplings();
  const sampling = made.all.sample([FORM]);
  made.frame(1);
  made.last().settle();
  await sampling;
  made.told.length = 0;
  return made;
}

describe('Samplings', () => {
  it('shows the first at once', async () => {
    const { all, told, frame, last } = samplings();
    const sampling = all.sample([FORM]);
    frame(1);
    last().settle();
    await sampling;
    expect(told).toEqual(['tried', 'rows waiting', 'running', 'frame 1', 'done']);
  });

  it('names the solver and what it takes, and neither where the model’s is not known', async () => {
    const { all, last } = samplings();
    const own = { order: 3 } as const;
    void all.sample([{ ...FORM, solver: 'unipc', own }]);
    expect(last().request).toMatchObject({ solver: 'unipc', order: 3, steps: 5 });
    void all.sample([{ ...FORM, solver: null, eta: 0.5, variance: 'fixed_large', own }]);
    await expect.poll(() => last().request).not.toHaveProperty('order');
    const { model, steps, seed, count } = FORM;
    const job = expect.any(String) as string;
    expect(last().request).toEqual({ job, model, steps, seed, count, device: 'cpu' });
  });

  it('shows why the first failed in its row', async () => {
    const { all, told, last } = samplings();
    const sampling = all.sample([FORM]);
    last().settle(TOO_MANY);
    await sampling;
    expect(told).toEqual(['tried', 'rows waiting', 'running', 'failed', 'log']);
    expect(all.rows[0]).toMatchObject({ state: 'failed', message: 'Too many steps.' });
  });

  it('keeps what is shown where another fails before its first picture', async () => {
    const { all, told, last } = await drawn();
    const { job } = all.rows[0]!;
    const sampling = all.sample([{ ...FORM, steps: 1001 }]);
    expect(all.isTrying).toBe(true);
    last().settle(TOO_MANY);
    await sampling;
    expect(told).toEqual(['trying', 'log', 'tried', 'Too many steps.']);
    expect(all.rows).toMatchObject([{ job, state: 'done' }]);
  });

  it('keeps what is shown where another is cancelled before its first picture', async () => {
    const { all, told } = await drawn();
    const sampling = all.sample([FORM]);
    all.cancel();
    await sampling;
    expect(told).toEqual(['trying', 'tried']);
    expect(all.rows).toMatchObject([{ state: 'done' }]);
  });

  it('shows another with its first picture', async () => {
    const { all, told, frame, last } = await drawn();
    const sampling = all.sample([FORM]);
    frame(1);
    frame(2);
    last().settle();
    await sampling;
    expect(told).toEqual(['trying', 'tried', 'rows running', 'frame 1', 'frame 2', 'done']);
  });
});
