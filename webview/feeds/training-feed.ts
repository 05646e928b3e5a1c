import type { EngineHealth, HostToTraining } from '../protocol';
import { FakeHost } from './fake-host';
import type { Said } from './fake-host';
import {
  pathOf,
  previewSteps,
  syntheticHistory,
  syntheticPreview,
  syntheticRows,
  syntheticStatus,
  syntheticSummary,
} from './synthetic';
import type { SyntheticRun } from './synthetic';
import { syntheticEvaluations, syntheticEvaluationStatus } from './synthetic-evaluations';
import type { TrainingStatus } from '../../src/engine/protocol';

/** Plays the host of a training view: scenes, each a moment that the view must show well. */

const RUN: SyntheticRun = { name: 'digits-2026-11-24-1', steps: 2000, seed: 1, heldOutEvery: 100 };
const OTHERS: readonly SyntheticRun[] = [
  { name: 'digits-2026-11-23-2', steps: 2000, seed: 2, lr: 1e-3 },
  {
    name: 'a-folder-of-scanned-botanical-illustrations-with-a-rather-long-name-2026-11-22-1',
    steps: 1500,
    seed: 3,
    lr: 4e-3,
  },
];
const LONG: SyntheticRun = {
  name: 'half-a-million-steps',
  steps: 500_000,
  seed: 4,
  heldOutEvery: 5000,
  spikes: [123_457, 300_001],
};

const UP: EngineHealth = { state: 'up', message: null };
type Hydrate = Extract<HostToTraining, { readonly type: 'hydrate' }>;

function hydrate(run: SyntheticRun, changes: Partial<Hydrate> = {}): Hydrate {
  return {
    type: 'hydrate',
    run: pathOf(run),
    history: syntheticHistory(run),
    status: null,
    health: UP,
    others: OTHERS.map(syntheticSummary),
    ...changes,
  };
}

const at = (done: number): SyntheticRun => ({ ...RUN, done });

export const TRAINING_SCENES: Readonly<Record<string, () => HostToTraining[]>> = {
  live: () => [hydrate(at(900), { status: syntheticStatus(at(900)) })],
  finished: () => [hydrate(RUN)],
  evaluating: () => [evaluating()],
  long: () => [hydrate(LONG)],
  empty: () => [{ ...hydrate(RUN), run: null, history: null }],
  loading: () => [hydrate(RUN, { history: null })],
  preparing: () => [
    hydrate(at(0), {
      history: null,
      status: syntheticStatus(at(0), {
        state: 'preparing',
        preparing: { what: 'Reading images', done: 1200, total: 4096 },
      }),
    }),
  ],
  paused: () => [hydrate(at(900), { status: syntheticStatus(at(900), { state: 'paused' }) })],
  failed: () => [
    hydrate(
      { ...at(900), broken: [880, 881, 882] },
      {
        status: syntheticStatus(at(900), {
          state: 'failed',
          message:
            'The loss is no longer a number since step 880; resume from the checkpoint at step 800 with a lower learning rate (training.lr).',
        }),
      },
    ),
  ],
  down: () => [interrupted({ state: 'down', message: 'The engine ended unexpectedly.' })],
  'long-names': () => [hydrate(OTHERS[1]!, { others: [RUN, OTHERS[0]!].map(syntheticSummary) })],
};

function evaluating(): Hydrate {
  const running = { what: 'drawing samples', share: 0.4 };
  const evaluation = syntheticEvaluationStatus({ running });
  const scene = hydrate(at(900), { status: syntheticStatus(at(900), { evaluation }) });
  const evaluations = syntheticEvaluations(at(900), 100);
  return { ...scene, history: { ...scene.history!, evaluations } };
}

function interrupted(health: EngineHealth): Hydrate {
  const scene = hydrate(at(900), { health });
  const summary = { ...scene.history!.summary, status: 'interrupted' as const };
  return { ...scene, history: { ...scene.history!, summary } };
}

/** A host that plays a scene, and then answers what the view asks for. */
export function trainingHost(scene: string, first?: unknown): FakeHost {
  const make = TRAINING_SCENES[scene];
  if (!make) throw new Error(`There is no scene ${scene}.`);
  return new FakeHost((said, host) => answer(said, host, make), first);
}

function answer(said: Said, host: FakeHost, make: () => HostToTraining[]): void {
  const all = [RUN, LONG, ...OTHERS];
  if (said.type === 'ready') make().forEach((message) => host.say(message));
  if (said.type === 'wantPreviews') {
    const hydrated = make()[0] as Hydrate;
    const run = all.find((each) => pathOf(each) === hydrated.run) ?? RUN;
    const previews = (said.steps as number[]).map((step) => syntheticPreview(run, step));
    host.say({ type: 'previews', previews });
  }
  if (said.type === 'overlay') {
    const run = all.find((each) => pathOf(each) === said.run);
    if (run) host.say({ type: 'overlay', history: syntheticHistory(run) });
    else host.say({ type: 'failed', message: `${String(said.run)} is not there any more.` });
  }
}

/**
 * Goes on with the live scene: some rows a message, the next as soon as the view has drawn the one
 * before it and the interval has passed. Ends at the last step.
 *
 * @returns stops it
 */
export function stream(host: FakeHost, rows = 4, milliseconds = 66): () => void {
  let step = 900;
  const timer = setInterval(() => {
    const isDrawn = host.said.filter(({ type }) => type === 'ack').length >= (step - 900) / rows;
    if (!isDrawn || step >= RUN.steps) return;
    const to = Math.min(step + rows, RUN.steps);
    const seq = Math.ceil((to - 900) / rows);
    const delta = { run: pathOf(RUN), from: step, columns: syntheticRows(RUN, step, to), left: 0 };
    host.say({ type: 'metrics', seq, delta });
    const drawn = previewSteps(RUN).filter((each) => each > step && each <= to);
    const previews = drawn.map((each) => syntheticPreview(RUN, each));
    if (previews.length > 0) host.say({ type: 'previews', previews });
    step = to;
    const status: Partial<TrainingStatus> = { state: step < RUN.steps ? 'running' : 'finished' };
    host.say({ type: 'status', status: syntheticStatus(at(step), status) });
  }, milliseconds);
  return () => clearInterval(timer);
}
