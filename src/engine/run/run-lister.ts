import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { asUserError, errorCode, withFile } from '../../core/base/files';
import { UserError } from '../../core/base/errors';
import { parseWith } from '../../core/base/schema';
import { parseMetricsLine } from '../../core/checkpoint/metrics';
import { resumedSteps, RunRecord } from '../../core/checkpoint/run-directory';
import { writerOf } from '../../core/checkpoint/run-lock';
import type { ClassesBrief, RunSummary, TrainingStatus } from '../protocol';
import { inWindowWords } from '../wording';
import { CheckpointLister, previewAt, previewSteps } from './checkpoint-list';

const RECORD = 'run.json';

/** A run's record and, where it cannot be read, why. */
export interface ReadRecord {
  readonly record: RunRecord | null;
  readonly config: unknown;
  readonly fault: string | null;
}

/** Says what runs there are. */
export class RunLister {
  private readonly checkpoints = new CheckpointLister();

  /** @param training the engine's own training, or null */
  constructor(private readonly training: () => TrainingStatus | null) {}

  /**
   * All runs in a folder, the newest first; one that cannot be read is broken.
   *
   * @throws UserError if the folder cannot be read
   */
  async list(folder: string): Promise<RunSummary[]> {
    const runs = (await namesOf(folder))
      .filter((name) => !name.startsWith('.'))
      .map((name) => path.join(folder, name))
      .filter(looksLikeRun);
    this.checkpoints.keepOnly(path.resolve(folder), new Set(runs.map((run) => path.resolve(run))));
    const summaries: RunSummary[] = [];
    for (const run of runs) {
      const summary = await this.summary(run).catch((error: unknown) => unreadable(run, error));
      if (summary) summaries.push(summary);
      // A training in this process gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return summaries.sort((a, b) => b.createdAt - a.createdAt);
  }

  /**
   * One run.
   *
   * @throws UserError if there is none
   */
  async summary(run: string): Promise<RunSummary> {
    if (!looksLikeRun(run)) {
      throw new UserError(`${run} is not a run: it has no run.json; choose the folder of a run.`);
    }
    const { record, fault } = readRecord(run);
    const previews = previewSteps(run);
    const rest = {
      path: run,
      checkpoints: await this.checkpoints.list(run, previews),
      preview: previewAt(run, Infinity, previews),
    };
    const training = this.training();
    const isOurs = training !== null && training.run === run && isLive(training);
    return record
      ? { ...(await summaryOf(run, record)), ...ours(isOurs ? training : null), ...rest, isOurs }
      : { ...broken(run, fault!), ...rest, isOurs };
  }
}

/** Whether a training has not ended. */
export function isLive({ state }: TrainingStatus): boolean {
  return !['finished', 'stopped', 'failed'].includes(state);
}

function namesOf(folder: string): Promise<string[]> {
  return withFile('read the folder', folder, async () => {
    const status = statSync(folder, { throwIfNoEntry: false });
    if (!status) return [];
    if (!status.isDirectory()) {
      throw new UserError(`${folder} is a file, not a folder of runs; choose another folder.`);
    }
    return readdirSync(folder);
  });
}

/** A run of the list that cannot be read, and why; null if it is gone. */
function unreadable(run: string, error: unknown): RunSummary | null {
  if (!looksLikeRun(run)) return null;
  const known = asUserError(error, 'read the run', run);
  const code = errorCode(error);
  if (!(known instanceof UserError) && code === undefined) throw error;
  const message =
    known instanceof UserError
      ? known.message
      : `Cannot read the run ${run}: the system says ${code}; check the disk that it is on.`;
  return { ...broken(run, message), path: run, checkpoints: [], preview: null, isOurs: false };
}

/** A run's folder, whole or not: it holds a record, or what only a run holds. */
function looksLikeRun(folder: string): boolean {
  const isThere = (name: string) =>
    statSync(path.join(folder, name), { throwIfNoEntry: false }) !== undefined;
  try {
    return isThere(RECORD) || isThere('metrics.jsonl');
  } catch (error) {
    // What cannot be looked into is no run of ours, and no reason to tell of none.
    if (errorCode(error) !== undefined) return false;
    throw error;
  }
}

/** Reads a run's record; what is wrong with it is a sentence, not an error. */
export function readRecord(run: string): ReadRecord {
  const file = path.join(run, RECORD);
  let config: unknown = null;
  try {
    const json: unknown = parseJson(file);
    config = (json as { config?: unknown } | null)?.config ?? null;
    return { record: parseWith(RunRecord, json, file), config, fault: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { record: null, config, fault: error.message };
  }
}

function parseJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = errorCode(error) === 'ENOENT';
    const why = isMissing ? 'is missing' : `cannot be read (${errorCode(error)})`;
    throw new UserError(`${file} ${why}; restore it from a copy, or delete the run.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    const why = text.trim() === '' ? 'is empty' : 'is not valid JSON';
    throw new UserError(`${file} ${why}; mend it or restore it from a copy.`);
  }
}

type Described = Omit<RunSummary, 'path' | 'checkpoints' | 'preview' | 'isOurs'>;

async function summaryOf(run: string, record: RunRecord): Promise<Described> {
  const { name, status, message, createdAt, config, progress, dataset, device, sittings } = record;
  const isRunning = status === 'running' && (await writerOf(run)) !== null;
  return {
    name,
    status: status === 'running' && !isRunning ? 'interrupted' : status,
    message: message && inWindowWords(message),
    createdAt: Date.parse(createdAt) || 0,
    ...progress,
    steps: config.training.steps,
    resumedAt: resumedSteps(sittings),
    dataset: dataset.source,
    device,
    classes: config.classes ? classesBrief(dataset.classes) : null,
    ...(isRunning ? lastLogged(run) : {}),
  };
}

/** Names of classes that a list of runs tells; the model itself knows them all. */
const TOLD_CLASSES = 8;

function classesBrief(names: readonly string[]): ClassesBrief {
  return { count: names.length, first: names.slice(0, TOLD_CLASSES) };
}

/** How far our own training is. */
function ours(training: TrainingStatus | null): Partial<Described> {
  if (!training) return {};
  const { step, steps, loss, seconds } = training;
  return { status: 'running', message: null, step, steps, loss, seconds };
}

function broken(run: string, message: string): Described {
  return {
    name: path.basename(run),
    status: 'broken',
    message,
    createdAt: Math.round(statSync(run, { throwIfNoEntry: false })?.mtimeMs ?? 0),
    step: 0,
    steps: 0,
    loss: null,
    seconds: 0,
    resumedAt: [],
    dataset: '',
    device: '',
    classes: null,
  };
}

/** Bytes at the end of `metrics.jsonl` that surely hold a whole line. */
const LAST_BYTES = 4096;

/** How far a run is that another process trains, from its last line of metrics. */
function lastLogged(run: string): Partial<Described> {
  const lines = endOf(path.join(run, 'metrics.jsonl')).split('\n').slice(0, -1);
  const last = lines.flatMap((line) => parseMetricsLine(line) ?? []).at(-1);
  if (!last) return {};
  const { step, loss, time } = last;
  return { step, loss, ...(time === undefined ? {} : { seconds: time }) };
}

function endOf(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, LAST_BYTES));
    const read = readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.subarray(0, read).toString('utf8');
  } finally {
    closeSync(handle);
  }
}
