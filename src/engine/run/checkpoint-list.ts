import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkpointFault } from '../../core/checkpoint/checkpoint';
import type { CheckpointSummary } from '../protocol';

/** Every file of a whole checkpoint, by its path there. */
const JSON_FILES = [
  'model_index.json',
  path.join('unet', 'config.json'),
  path.join('scheduler', 'scheduler_config.json'),
];
const STATE = 'state.json';
const TENSORS = [
  'training_state.safetensors',
  path.join('unet', 'diffusion_pytorch_model.safetensors'),
];

/** What can be told of a checkpoint without opening its tensors: their sizes are alike in a run. */
interface Glance {
  readonly size: number;
  readonly state: { readonly loss: number | null; readonly epoch: number | null };
  readonly isWhole: boolean;
}

type Known = Omit<CheckpointSummary, 'preview'>;

/**
 * Lists the checkpoints of runs, and remembers them: hundreds of checkpoints take milliseconds. One
 * checkpoint of each size is read as training would read it, and so is each that looks odd. (The
 * calls are synchronous: for so many small ones, that is many times faster.)
 */
export class CheckpointLister {
  private readonly known = new Map<string, { readonly stamp: string; readonly summary: Known }>();

  /** The checkpoints of a run, the newest first; `previews` are its preview steps, in order. */
  async list(run: string, previews: readonly number[]): Promise<CheckpointSummary[]> {
    const folder = path.join(run, 'checkpoints');
    const good = new Set<string>();
    const found: CheckpointSummary[] = [];
    for (const name of namesIn(folder)) {
      const digits = /^step-(\d{6,})$/.exec(name)?.[1];
      if (digits === undefined) continue;
      const step = Number(digits);
      const summary = await this.summaryOf(path.join(folder, name), step, good);
      if (summary) found.push({ ...summary, preview: previewAt(run, step, previews) });
    }
    return found.sort((a, b) => b.step - a.step);
  }

  /** Forgets the checkpoints of a folder's runs that are not among these. */
  keepOnly(folder: string, runs: ReadonlySet<string>): void {
    for (const checkpoint of this.known.keys()) {
      const run = path.resolve(checkpoint, '..', '..');
      if (path.dirname(run) === folder && !runs.has(run)) this.known.delete(checkpoint);
    }
  }

  private async summaryOf(folder: string, step: number, good: Set<string>): Promise<Known | null> {
    const files = lookAt(folder);
    if (files === null) return null;
    const stamp = `${files.writtenAt} ${files.tensorSizes.join()}`;
    const known = this.known.get(folder);
    if (known?.stamp === stamp) return known.summary;
    const { size, state, isWhole } = glanceAt(folder, files);
    const alike = files.tensorSizes.join();
    const fault = isWhole && good.has(alike) ? null : await checkpointFault(folder);
    if (fault === null) good.add(alike);
    const writtenAt = Math.round(files.writtenAt);
    const summary: Known = { path: folder, step, ...state, writtenAt, size, fault };
    this.known.set(folder, { stamp, summary });
    return summary;
  }
}

/** What changes when files of a checkpoint come, go or change in size. */
interface Files {
  readonly writtenAt: number;
  /** Of {@link TENSORS}; −1 where one is not there. */
  readonly tensorSizes: readonly number[];
}

function lookAt(folder: string): Files | null {
  const status = statSync(folder, { throwIfNoEntry: false });
  if (!status?.isDirectory()) return null;
  const tensorSizes = TENSORS.map((file) => sizeOf(`${folder}${path.sep}${file}`));
  return { writtenAt: status.mtimeMs, tensorSizes };
}

function glanceAt(folder: string, { tensorSizes }: Files): Glance {
  const state = readState(path.join(folder, STATE));
  const sizes = [...JSON_FILES.map((file) => sizeOf(path.join(folder, file))), ...tensorSizes];
  return {
    size: sizes.reduce((sum, size) => sum + Math.max(0, size), state?.size ?? 0),
    state: { loss: state?.loss ?? null, epoch: state?.epoch ?? null },
    isWhole: state !== null && sizes.every((size) => size > 0),
  };
}

/** A file's size; −1 if it is not there. */
function sizeOf(file: string): number {
  const status = statSync(file, { throwIfNoEntry: false });
  return status?.isFile() ? status.size : -1;
}

function readState(file: string): (Glance['state'] & { readonly size: number }) | null {
  try {
    const bytes = readFileSync(file);
    const state = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
    const number = (value: unknown) => (typeof value === 'number' ? value : null);
    if (typeof state.step !== 'number') return null;
    return { loss: number(state.loss), epoch: number(state.epoch), size: bytes.length };
  } catch {
    return null;
  }
}

/** The names in a folder; none where it cannot be read. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Steps of the previews of a run that are there, in order. */
export function previewSteps(run: string): number[] {
  return namesIn(path.join(run, 'samples'))
    .flatMap((name) => /^step-(\d{6,})\.png$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** The preview of a step, or the nearest before it. */
export function previewAt(run: string, step: number, previews: readonly number[]): string | null {
  const nearest = previews.filter((preview) => preview <= step).at(-1);
  if (nearest === undefined) return null;
  return path.join(run, 'samples', `step-${String(nearest).padStart(6, '0')}.png`);
}
