import { emptyColumns } from '../../src/engine/columns';
import type {
  MetricsColumns,
  Preview,
  RunHistory,
  RunSummary,
  TrainingStatus,
} from '../../src/engine/protocol';

/** Runs that nobody trained, alike every time: for developing and testing the views. */

export interface SyntheticRun {
  readonly name: string;
  readonly steps: number;
  /** Steps that are done; all, if left out. */
  readonly done?: number;
  readonly seed: number;
  readonly lr?: number;
  /** Steps from which it was gone on with. */
  readonly resumedAt?: readonly number[];
  /** Single steps whose loss leaps to {@link SPIKE}. */
  readonly spikes?: readonly number[];
  /** Single steps whose loss is no number. */
  readonly broken?: readonly number[];
  /** Steps from one measuring of the loss on held-out images to the next; none where left out. */
  readonly heldOutEvery?: number;
}

/** The loss of a step in `spikes`. */
export const SPIKE = 4.5;

const PARTS = 10;
const STEPS_A_SECOND = 8.3;
const IMAGES_A_STEP = 64;
const EPOCH_STEPS = 940;

/** Numbers of 0 … 1 (Marsaglia's xorshift): fast, for a million of them. */
function randomFrom(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

/** The rows of steps `from + 1` … `to`, the same however they are cut. */
export function syntheticRows(run: SyntheticRun, from: number, to: number): MetricsColumns {
  const columns = emptyColumns(to - from, PARTS);
  const spikes = new Set(run.spikes);
  const broken = new Set(run.broken);
  for (let row = 0; row < to - from; row++) {
    const step = from + row + 1;
    const random = randomFrom(run.seed * 7919 + step);
    random();
    const base = 0.9 * Math.exp(-step / (run.steps * 0.04)) + 0.035 * (1 + 40 / (step + 40));
    const loss = base * (0.75 + 0.5 * random());
    columns.step[row] = step;
    columns.time[row] = step / STEPS_A_SECOND;
    columns.epoch[row] = step / EPOCH_STEPS;
    columns.loss[row] = spikes.has(step) ? SPIKE : broken.has(step) ? NaN : loss;
    columns.lr[row] = learningRate(run, step);
    columns.gradNorm[row] = 0.2 + 2 * base * random();
    columns.imagesPerSecond[row] = STEPS_A_SECOND * IMAGES_A_STEP * (0.95 + 0.1 * random());
    columns.memory[row] = Math.round(380 + 40 * Math.min(1, step / 200) + 6 * random());
    for (let part = 0; part < PARTS; part++) {
      const share = Math.exp(-part / 3) * 2.2 + 0.2;
      columns.lossByTimestep[row * PARTS + part] = base * share * (0.8 + 0.4 * random());
    }
    if (run.heldOutEvery !== undefined && step % run.heldOutEvery === 0) {
      columns.heldOutLoss[row] = heldOutLoss(run, step, base) * (0.97 + 0.06 * random());
    }
  }
  return columns;
}

/** A little above the loss, and rising again at the end, as of a run that learns by heart. */
function heldOutLoss({ steps }: SyntheticRun, step: number, base: number): number {
  return base * (1.08 + 0.6 * (step / steps) ** 3);
}

/** Warmed up over 5 % of the steps, then a half cosine. */
function learningRate({ steps, lr = 2e-3 }: SyntheticRun, step: number): number {
  return lr * Math.min(1, step / (steps * 0.05)) * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}

const PREVIEWS = 20;

/** Steps with a preview, up to the one that is reached. */
export function previewSteps(run: SyntheticRun): number[] {
  const every = Math.max(1, Math.round(run.steps / PREVIEWS));
  const all = Array.from({ length: PREVIEWS }, (_, i) => (i + 1) * every);
  return all.filter((step) => step <= (run.done ?? run.steps));
}

/** Sixteen pictures of rings that come out of noise as the steps go on. */
export function syntheticPreview(run: SyntheticRun, step: number): Preview {
  const random = randomFrom(run.seed + 17);
  const [count, side, channels] = [16, 16, 1];
  const data = new Uint8Array(count * side * side * channels);
  const share = Math.min(1, (step / run.steps) * 1.6);
  for (let at = 0; at < data.length; at++) {
    const image = Math.floor(at / (side * side));
    const x = (at % side) - side / 2 + 0.5;
    const y = (Math.floor(at / side) % side) - side / 2 + 0.5;
    const ring = Math.abs(Math.hypot(x, y) - 2 - (image % 5)) < 0.9 ? 255 : 0;
    data[at] = Math.round(share * ring + (1 - share) * 255 * random());
  }
  return { run: pathOf(run), step, pixels: { data, count, height: side, width: side, channels } };
}

export function pathOf(run: SyntheticRun): string {
  return `/work/space/runs/${run.name}`;
}

export function syntheticSummary(run: SyntheticRun): RunSummary {
  const done = run.done ?? run.steps;
  const last = syntheticRows(run, Math.max(0, done - 1), done);
  const steps = previewSteps(run).filter((_, i) => i % 4 === 3);
  return {
    path: pathOf(run),
    name: run.name,
    status: done < run.steps ? 'stopped' : 'finished',
    isOurs: false,
    message: null,
    createdAt: Date.UTC(2026, 10, 24, 9),
    step: done,
    steps: run.steps,
    loss: last.loss[0] ?? null,
    seconds: done / STEPS_A_SECOND,
    resumedAt: run.resumedAt ?? [],
    dataset: 'digits',
    device: 'cpu',
    classes: null,
    checkpoints: steps.reverse().map((step) => ({
      path: `${pathOf(run)}/checkpoints/step-${String(step).padStart(6, '0')}`,
      step,
      loss: 0.04,
      epoch: step / EPOCH_STEPS,
      writtenAt: Date.UTC(2026, 10, 24, 9, 10),
      size: 4_500_000,
      fault: null,
      preview: null,
    })),
    preview: null,
  };
}

export function syntheticHistory(run: SyntheticRun): RunHistory {
  return {
    summary: syntheticSummary(run),
    config: {
      seed: run.seed,
      schedule: { kind: 'cosine', timesteps: 1000 },
      training: { steps: run.steps, batchSize: IMAGES_A_STEP, lr: run.lr ?? 2e-3 },
      model: { type: 'unet', blockOutChannels: [16, 32, 32] },
    },
    columns: syntheticRows(run, 0, run.done ?? run.steps),
    rows: run.done ?? run.steps,
    evaluations: [],
    previewSteps: previewSteps(run),
  };
}

/** The engine's word on a run that it trains. */
export function syntheticStatus(
  run: SyntheticRun,
  changes: Partial<TrainingStatus> = {},
): TrainingStatus {
  const step = run.done ?? run.steps;
  const row = syntheticRows(run, Math.max(0, step - 1), step);
  return {
    state: 'running',
    run: pathOf(run),
    name: run.name,
    preparing: null,
    step,
    steps: run.steps,
    epoch: step / EPOCH_STEPS,
    loss: row.loss[0] ?? null,
    lr: row.lr[0] ?? null,
    gradNorm: row.gradNorm[0] ?? null,
    imagesPerSecond: row.imagesPerSecond[0] ?? null,
    stepsPerSecond: STEPS_A_SECOND,
    seconds: step / STEPS_A_SECOND,
    etaSeconds: (run.steps - step) / STEPS_A_SECOND,
    device: 'cpu, 3 threads',
    deviceReason: 'webgpu: no adapter was found; cuda is used only where it is asked for.',
    dataset: 'digits, drawn as they are asked for, 16×16×1',
    parameters: 278_081,
    memory: 412_000_000,
    skipped: null,
    lastCheckpoint: null,
    evaluation: { every: 0, samples: 200, cost: null, running: null },
    message: null,
    ...changes,
  };
}
