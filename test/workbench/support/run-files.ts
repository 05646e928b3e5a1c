import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { poll } from './poll';
import type { Workspace } from './workspace';

/** A line of `metrics.jsonl`. */
export interface MetricsRow {
  readonly step: number;
  readonly loss: number;
  /** Seconds of training so far. */
  readonly time: number;
}

/** A run of a workspace as it lies on the disk: what a test compares the window with. */
export class RunFiles {
  constructor(readonly path: string) {}

  /** The one run of a workspace, as soon as there is one. */
  static async only(workspace: Workspace): Promise<RunFiles> {
    const [run] = await poll('a run', async () => {
      const found = RunFiles.all(workspace);
      return found.length === 1 && found;
    });
    return run!;
  }

  static all(workspace: Workspace): RunFiles[] {
    const folder = workspace.at('runs');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .map((name) => new RunFiles(path.join(folder, name)))
      .filter((run) => existsSync(run.at('run.json')));
  }

  get name(): string {
    return path.basename(this.path);
  }

  at(...parts: string[]): string {
    return path.join(this.path, ...parts);
  }

  get status(): string {
    return (JSON.parse(readFileSync(this.at('run.json'), 'utf8')) as { status: string }).status;
  }

  /** Steps of the checkpoints, in order. */
  get checkpoints(): number[] {
    return readdirSync(this.at('checkpoints'))
      .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** The whole lines of its metrics. */
  get metrics(): MetricsRow[] {
    if (!existsSync(this.at('metrics.jsonl'))) return [];
    const lines = readFileSync(this.at('metrics.jsonl'), 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as MetricsRow);
  }

  get lastStep(): number {
    return this.metrics.at(-1)?.step ?? 0;
  }

  /** The process that trains it; null if none does. */
  get writer(): number | null {
    if (!existsSync(this.at('.lock'))) return null;
    return (JSON.parse(readFileSync(this.at('.lock'), 'utf8')) as { pid: number }).pid;
  }
}
