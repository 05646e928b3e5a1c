import type { FramePart, FramesResult, PixelBatch } from '../../src/engine/protocol';
import type { HostToSamples, SampleForm, SampleRow } from '../../webview/protocol';

const COUNT = 16;
const SIDE = 16;
const STEPS = 10;

/** Discs that come out of noise; each sample and step looks different. */
export function pictures(done: number, part: FramePart): PixelBatch {
  const data = new Uint8Array(COUNT * SIDE * SIDE);
  for (let i = 0; i < data.length; i++) {
    const sample = Math.floor(i / (SIDE * SIDE));
    const [x, y] = [i % SIDE, Math.floor(i / SIDE) % SIDE];
    const inside = Math.hypot(x - 8, y - 8) < 3 + sample / 4;
    const clean = inside ? 240 : 15;
    const noise = (i * 2654435761) % 256;
    const share = part === 'eps' ? 1 : part === 'x0' ? (1 - done) / 3 : 1 - done;
    data[i] = clean * (1 - share) + noise * share;
  }
  return { data, count: COUNT, height: SIDE, width: SIDE, channels: 1 };
}

export const MODELS = [
  { path: '/runs/digits-1/checkpoints/step-002000', label: 'digits-1 · step 2,000' },
  { path: '/runs/digits-1/checkpoints/step-001000', label: 'digits-1 · step 1,000' },
];

export const FORM: SampleForm = {
  model: MODELS[0]!.path,
  solver: 'ddim',
  steps: STEPS,
  eta: 0,
  seed: 7,
  count: COUNT,
  spacing: null,
  variance: null,
};

export const HYDRATE = {
  type: 'hydrate',
  models: MODELS,
  form: FORM,
  rows: [],
  wish: null,
  health: { state: 'up', message: null },
} as const satisfies HostToSamples;

export function row(state: SampleRow['state'], changes: Partial<SampleRow> = {}): SampleRow {
  return { job: 'a', form: FORM, state, message: null, frame: null, result: null, ...changes };
}

export function done(job = 'a', form: SampleForm = FORM): SampleRow {
  const result = {
    job,
    images: pictures(1, 'xt'),
    settings: { weights: 'cafe', model: 'step-002000' },
    device: 'cpu, 3 threads',
    deviceReason: 'the only one here',
    seconds: 1.25,
    warnings: [],
  };
  return row('done', { job, form, result });
}

export function frame(step: number, job = 'a') {
  const done = step / STEPS;
  const [xt, x0] = [pictures(done, 'xt'), pictures(done, 'x0')];
  const t = 1000 - step * 100;
  return { job, first: 0, step, steps: STEPS, t, progress: done, xt, x0 };
}

export function frames(job: string, part: FramePart, steps: readonly number[]): FramesResult {
  const kept = Array.from({ length: STEPS }, (_, i) => ({ step: i + 1, t: 900 - i * 100 }));
  const wanted = kept.filter(({ step }) => steps.includes(step));
  const made = wanted.map(({ step, t }) => ({ step, t, pixels: pictures(step / STEPS, part) }));
  return { job, part, frames: made, kept };
}
