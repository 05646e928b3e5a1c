import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors';
import {
  asUserError,
  exists,
  listFolder,
  makeFolder,
  readJson,
  removeLeftovers,
  withFile,
  writeFileAtomic,
} from '../base/files';
import { parseWith } from '../base/schema';
import { TrainingConfig } from '../config/training-config';
import { checkpointFault } from './checkpoint';
import { formatJson } from './json-format';

export const RUN_STATUSES = ['running', 'finished', 'stopped', 'failed'] as const;

/** `run.json`: what a run is. `running` with no process behind it is a run that was killed. */
export const RunRecord = z.strictObject({
  format: z.literal('diffusion-lab run'),
  formatVersion: z.literal(1),
  name: z.string().min(1),
  status: z.enum(RUN_STATUSES),
  message: z.string().nullable().default(null).describe('Why it failed or stopped, in a sentence.'),
  createdAt: z.string().describe('ISO 8601, UTC.'),
  config: TrainingConfig.describe('The configuration as resolved.'),
  seed: z.int().min(0),
  device: z.string().describe('What computes, such as cpu or webgpu.'),
  versions: z.record(z.string(), z.string()),
  dataset: z.strictObject({
    source: z.string(),
    fingerprint: z.string().describe('Of the images’ content.'),
    images: z.int().min(0).nullable().describe('How many; null for endless ones.'),
    skipped: z.int().min(0).default(0).describe('Files that could not be read.'),
    imageSize: z.int().min(1),
    channels: z.literal([1, 3]),
    classes: z.array(z.string()).default([]).describe('Names of the classes, by label.'),
  }),
  progress: z
    .strictObject({
      step: z.int().min(0),
      seconds: z.number().min(0),
      loss: z.number().nullable(),
    })
    .default({ step: 0, seconds: 0, loss: null }),
  sittings: z
    .array(
      z.strictObject({
        step: z.int().min(0).describe('Steps that were done before.'),
        startedAt: z.string().describe('ISO 8601, UTC.'),
        device: z.string(),
      }),
    )
    .default([])
    .describe('Each time that the run began or went on.'),
  checkpoints: z
    .array(z.int().min(0))
    .default([])
    .describe('Steps of the checkpoints that it wrote, which alone it may remove (keepLast).'),
});
export type RunRecord = z.infer<typeof RunRecord>;
export type RunStatus = RunRecord['status'];
export type Sitting = RunRecord['sittings'][number];

/**
 * Steps from which a run was gone on with, in order. Where it went on from an earlier step than once
 * before, what came between is written over, and with it the mark.
 */
export function resumedSteps(sittings: readonly Sitting[]): number[] {
  const steps = sittings.map(({ step }) => step);
  const resumed = steps.filter(
    (step, i) => (i > 0 || step > 0) && steps.slice(i + 1).every((later) => later >= step),
  );
  return [...new Set(resumed)];
}

/** What the caller says of a new run; the rest of the record is filled in. */
export type RunDetails = Omit<z.input<typeof RunRecord>, 'format' | 'formatVersion' | 'name'>;

/** A checkpoint in a run, whole or not. */
export interface CheckpointEntry {
  readonly step: number;
  readonly path: string;
  /** Why it can't be used, in a sentence; null for a whole one. */
  readonly fault: string | null;
}

const RECORD = 'run.json';

/** `step-000500`: the name of a checkpoint or preview. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** A run's folder on the disk. */
export class RunDirectory {
  private constructor(
    readonly path: string,
    private current: RunRecord,
  ) {}

  /**
   * Makes a run in a folder that is empty or does not exist.
   *
   * @throws UserError when the folder holds something, or cannot be written; nothing is left then
   */
  static async create(folder: string, details: RunDetails): Promise<RunDirectory> {
    const entries = await listFolder(folder);
    if (entries?.includes(RECORD)) {
      throw new UserError(
        `${folder} holds a run already; go on with it by --resume ${folder}, or choose another --out.`,
      );
    }
    if (entries !== null && entries.length > 0) {
      throw new UserError(`${folder} is not empty and holds no run; choose another --out.`);
    }
    if (entries === null && (await exists(folder))) {
      throw new UserError(`${folder} is a file, not a folder; choose another --out.`);
    }
    return createIn(folder, details, (record) => new RunDirectory(folder, record));
  }

  /**
   * Makes a run of a new name such as `digits-2026-11-23-1` in a folder.
   *
   * @param dataset what it learns from, for the name
   * @param today the date in the name, in local time
   */
  static async createNamed(
    parent: string,
    dataset: string,
    today: Date,
    details: RunDetails,
  ): Promise<RunDirectory> {
    await withFile('make the folder', parent, () => makeFolder(parent));
    for (let number = 1; ; number++) {
      const folder = path.join(parent, runName(dataset, today, number));
      if (!(await claim(folder))) continue;
      try {
        return await RunDirectory.create(folder, details);
      } catch (error) {
        await rm(folder, { recursive: true, force: true }).catch(() => undefined);
        throw error;
      }
    }
  }

  /**
   * Opens a run to look at it. Changes nothing.
   *
   * @throws UserError when there is no run, or `run.json` is broken: it names key, value and allowed
   */
  static async open(folder: string): Promise<RunDirectory> {
    const file = path.join(folder, RECORD);
    if (!(await exists(file))) {
      throw new UserError(
        (await exists(folder))
          ? `${folder} is not a run: ${RECORD} is missing.`
          : `${folder} does not exist; check the path.`,
      );
    }
    return new RunDirectory(folder, parseWith(RunRecord, await readJson(file), file));
  }

  /** Opens a run to go on with it: what a crash left half-written is removed first. */
  static async openForWriting(folder: string): Promise<RunDirectory> {
    const run = await RunDirectory.open(folder);
    for (const inner of ['.', 'checkpoints', 'samples']) {
      await removeLeftovers(path.join(folder, inner));
    }
    return run;
  }

  get record(): RunRecord {
    return this.current;
  }

  get metricsPath(): string {
    return path.join(this.path, 'metrics.jsonl');
  }

  checkpointPath(step: number): string {
    return path.join(this.path, 'checkpoints', stepName(step));
  }

  /** Where the preview of a step goes: `samples/step-000500.png`. */
  samplePath(step: number): string {
    return path.join(this.path, 'samples', `${stepName(step)}.png`);
  }

  /** Changes `run.json`, atomically. */
  async update(changes: Partial<Omit<RunRecord, 'format' | 'formatVersion'>>): Promise<void> {
    const record = RunRecord.parse(withFiniteLoss({ ...this.current, ...changes }));
    await writeFileAtomic(path.join(this.path, RECORD), formatJson(record));
    this.current = record;
  }

  /** All checkpoints by step; what is not whole says why. */
  async checkpoints(): Promise<CheckpointEntry[]> {
    const folder = path.join(this.path, 'checkpoints');
    const found: CheckpointEntry[] = [];
    for (const name of (await listFolder(folder)) ?? []) {
      const digits = /^step-(\d{6,})$/.exec(name)?.[1];
      if (digits === undefined) continue;
      const entry = path.join(folder, name);
      found.push({ step: Number(digits), path: entry, fault: await checkpointFault(entry) });
    }
    return found.sort((a, b) => a.step - b.step);
  }

  /** The whole checkpoint of the highest step, or null. */
  async latestCheckpoint(): Promise<CheckpointEntry | null> {
    const whole = (await this.checkpoints()).filter(({ fault }) => fault === null);
    return whole.at(-1) ?? null;
  }
}

async function createIn<T>(
  folder: string,
  details: RunDetails,
  made: (record: RunRecord) => T,
): Promise<T> {
  const name = path.basename(path.resolve(folder));
  const record = RunRecord.parse(
    withFiniteLoss({ ...details, format: 'diffusion-lab run', formatVersion: 1, name }),
  );
  let first: string | undefined;
  try {
    first = await makeFolder(folder);
    await mkdir(path.join(folder, 'checkpoints'));
    await mkdir(path.join(folder, 'samples'));
    await writeFileAtomic(path.join(folder, RECORD), formatJson(record));
    return made(record);
  } catch (error) {
    const ours = first ? [first] : ['checkpoints', 'samples'].map((sub) => path.join(folder, sub));
    for (const entry of ours) {
      await rm(entry, { recursive: true, force: true }).catch(() => undefined);
    }
    throw asUserError(error, 'make the run', folder);
  }
}

function withFiniteLoss<T extends { progress?: { loss: number | null; step: number } }>(
  record: T,
): T {
  const { progress } = record;
  if (!progress || Number.isFinite(progress.loss)) return record;
  return { ...record, progress: { ...progress, loss: null } };
}

/** Makes a folder; false if something of that name is there. */
async function claim(folder: string): Promise<boolean> {
  if (await exists(folder)) return false;
  return withFile('make the folder', folder, async () => {
    const made = await makeFolder(folder);
    return made !== undefined;
  });
}

/** `digits-2026-11-23-1`: the data set's last name, the local date, a number. */
export function runName(dataset: string, today: Date, number: number): string {
  const base = path.basename(dataset.replace(/^idx:/, '')).toLowerCase();
  const slug = base
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${today.getFullYear()}-${two(today.getMonth() + 1)}-${two(today.getDate())}`;
  return `${slug === '' ? 'run' : slug}-${date}-${number}`;
}

/** A run in a folder of runs; `run` is null where `fault` says why it can't be read. */
export interface RunEntry {
  readonly path: string;
  readonly run: RunDirectory | null;
  readonly fault: string | null;
}

/** All runs in a folder, by name; folders without a `run.json` are none. */
export async function listRuns(parent: string): Promise<RunEntry[]> {
  const runs: RunEntry[] = [];
  for (const name of (await listFolder(parent)) ?? []) {
    const folder = path.join(parent, name);
    if (name.startsWith('.') || !(await exists(path.join(folder, RECORD)))) continue;
    try {
      runs.push({ path: folder, run: await RunDirectory.open(folder), fault: null });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      runs.push({ path: folder, run: null, fault: error.message });
    }
  }
  return runs;
}
