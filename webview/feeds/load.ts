import type { Frame, PixelBatch } from '../../src/engine/protocol';
import type { SampleForm, SampleRow } from '../protocol';
import { applyTheme } from './apply-theme';
import { FakeHost } from './fake-host';
import type { Said } from './fake-host';
import { FrameClock } from './frame-clock';
import { syntheticHistory, syntheticPreview, syntheticRows, syntheticStatus } from './synthetic';
import type { SyntheticRun } from './synthetic';

/**
 * The page's part of `node bench/streaming.mjs`: a host that streams for as long as it is let, by the
 * protocol of the real one: a message that carries a `seq` goes when the last was acknowledged, and the
 * latest alone. Tests reach it as `load`.
 */

const ROWS_A_SECOND = 50;
/** How often the engine tells. */
const UPDATES_A_SECOND = 15;
const FRAMES_A_SECOND = 12;
const PREVIEW_EVERY = 250;
const UP = { state: 'up', message: null } as const;

/** What was offered to the view, what it acknowledged, and what another took the place of. */
const traffic = { sent: 0, drawn: 0, replaced: 0 };

/** Messages of which the next goes when the last was drawn. */
class Held {
  private seq = 0;
  private drawn = 0;

  constructor(private readonly host: () => FakeHost) {}

  get isFree(): boolean {
    return this.drawn === this.seq;
  }

  say(message: object): void {
    traffic.sent++;
    this.host().say({ ...message, seq: ++this.seq });
  }

  heard({ seq }: Said): void {
    this.drawn = seq as number;
    traffic.drawn++;
  }
}

function loadTraining(): FakeHost {
  const run: SyntheticRun = { name: 'streamed', steps: 200_000, done: 900, seed: 1 };
  let sent = 900;
  const begun = performance.now();
  const held = new Held(() => host);
  const host: FakeHost = new FakeHost((said) => {
    host.said.length = 0;
    if (said.type === 'ack') held.heard(said);
    if (said.type === 'wantPreviews') {
      const previews = (said['steps'] as number[]).map((step) => syntheticPreview(run, step));
      host.say({ type: 'previews', previews });
    }
    if (said.type !== 'ready') return;
    const history = syntheticHistory(run);
    const status = syntheticStatus(run);
    const { path } = history.summary;
    const rest = { health: UP, others: [] };
    host.say({ type: 'hydrate', run: path, history, status, ...rest });
    setInterval(() => {
      const step = 900 + Math.floor(((performance.now() - begun) / 1000) * ROWS_A_SECOND);
      host.say({ type: 'status', status: syntheticStatus({ ...run, done: step }) });
      if (!held.isFree) return void traffic.replaced++;
      const columns = syntheticRows(run, sent, step);
      held.say({ type: 'metrics', delta: { run: path, from: sent, columns, left: 0 } });
      const preview = Math.floor(step / PREVIEW_EVERY) * PREVIEW_EVERY;
      if (preview > sent)
        host.say({ type: 'previews', previews: [syntheticPreview(run, preview)] });
      sent = step;
    }, 1000 / UPDATES_A_SECOND);
  });
  return host;
}

const COUNT = 64;
const SIDE = 32;
const STEPS = 50;

const FORM: SampleForm = {
  model: '/runs/a/checkpoints/step-002000',
  solver: 'ddim',
  steps: STEPS,
  eta: 0,
  seed: 7,
  count: COUNT,
  spacing: null,
  variance: null,
};

/** Colours that differ from step to step. */
function pixels(step: number, part: number): PixelBatch {
  const data = new Uint8Array(COUNT * SIDE * SIDE * 3);
  for (let at = 0; at < data.length; at++) data[at] = (at * (7 + part) + step * 40503) >> 3;
  return { data, count: COUNT, height: SIDE, width: SIDE, channels: 3 };
}

function loadSamples(): FakeHost {
  const frames = Array.from({ length: STEPS }, (_, i) => [pixels(i, 0), pixels(i, 1)] as const);
  const kept = frames.map((_, i) => ({ step: i + 1, t: 980 - i * 20 }));
  const held = new Held(() => host);
  let number = 0;
  let step = 0;
  let waiting: Frame | null = null;
  const row = (state: SampleRow['state'], changes: Partial<SampleRow> = {}): SampleRow => ({
    job: `job ${number}`,
    form: FORM,
    state,
    message: null,
    frame: null,
    result: null,
    ...changes,
  });
  const send = () => {
    if (waiting && held.isFree) {
      held.say({ type: 'frame', frame: waiting });
      waiting = null;
    }
  };
  const finish = () => {
    const facts = { device: 'cpu', deviceReason: '', seconds: 4, warnings: [], settings: {} };
    const result = { ...facts, job: `job ${number}`, images: frames[STEPS - 1]![0] };
    host.say({ type: 'row', row: row('done', { result }) });
  };
  const tick = () => {
    if (step === STEPS) finish();
    // A pause between two samplings, in which the view fetches the steps of the last.
    if (++step <= STEPS) {
      if (step === 1) {
        number++;
        host.say({ type: 'rows', rows: [row('running')] });
      }
      const [xt, x0] = frames[step - 1]!;
      if (waiting) traffic.replaced++;
      const place = { job: `job ${number}`, first: 0, step, steps: STEPS, t: kept[step - 1]!.t };
      waiting = { ...place, progress: step / STEPS, xt, x0 };
      send();
    } else if (step > STEPS + 6) step = 0;
  };
  const host: FakeHost = new FakeHost((said) => {
    host.said.length = 0;
    if (said.type === 'ack') {
      held.heard(said);
      send();
    }
    if (said.type === 'frames') {
      const { job, part } = said;
      const steps = new Set(said['steps'] as number[]);
      const chosen = kept.filter((each) => steps.has(each.step));
      const found = chosen.map((each) => ({ ...each, pixels: frames[each.step - 1]![0] }));
      host.say({ type: 'frames', frames: { job, part, frames: found, kept } });
    }
    if (said.type !== 'ready') return;
    const models = [{ path: FORM.model, label: 'a · step 2,000' }];
    host.say({ type: 'hydrate', models, form: FORM, rows: [], wish: null, health: UP });
    setInterval(tick, 1000 / FRAMES_A_SECOND);
  });
  return host;
}

applyTheme('dark');
const clock = new FrameClock();
const violations: string[] = [];
document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective}: ${blockedURI}`);
});
const view = new URLSearchParams(location.search).get('view');
if (view === 'training') loadTraining();
else loadSamples();
clock.start();
Object.assign(globalThis, { load: { clock, traffic, violations } });
