import path from 'node:path';
import type { MetricsLine } from '../../core/checkpoint/metrics';
import type { EvaluationLine, Preview } from '../protocol';
import { previewSteps } from './checkpoint-list';
import type { ColumnsCache } from './columns-cache';
import type { MetricsStore } from './metrics-store';
import { MetricsTail } from './metrics-tail';
import { readPreviews } from './previews';

/** One that follows a run. */
export interface Follower {
  /** Rows from this one on are new or others, or evaluations are. */
  rows(run: string, from: number): void;
  preview(preview: Preview): void;
}

/** How often the files of runs that others train are looked at. */
const POLL_MS = 500;
/** Previews that are read at a time: the newest, where there are more that are new. */
const MOST_PREVIEWS = 16;

interface Followed {
  readonly tail: MetricsTail;
  readonly followers: Set<Follower>;
  /** Steps whose previews were told. */
  previews: Set<number>;
  /** Whether this engine trains it, so that rows come by themselves. */
  isOurs: boolean;
}

/** The runs that windows follow, each read once for all of them. */
export class Followers {
  private readonly runs = new Map<string, Followed>();
  private timer: NodeJS.Timeout | null = null;
  private work: Promise<unknown> = Promise.resolve();

  /** @param cache where copies of large files of metrics are kept */
  constructor(private readonly cache: ColumnsCache | null = null) {}

  /** Follows a run. @returns its metrics so far, which stay up to date while it is followed */
  async add(run: string, follower: Follower): Promise<MetricsStore> {
    const followed = this.open(run);
    followed.followers.add(follower);
    if (!followed.isOurs) await this.inTurn(() => this.read(run, followed));
    this.schedule();
    // Behind the answer to who asked.
    setImmediate(() => void followed.tail.save());
    return followed.tail.store;
  }

  remove(run: string, follower: Follower): void {
    const followed = this.runs.get(run);
    followed?.followers.delete(follower);
    if (followed) void this.letGo(run, followed);
  }

  /** A run that nobody follows goes when its copy is kept: one that is opened again soon is there. */
  private async letGo(run: string, followed: Followed): Promise<void> {
    const isLeft = () => followed.followers.size === 0 && !followed.isOurs;
    if (!isLeft()) return;
    await followed.tail.save();
    if (isLeft() && this.runs.get(run) === followed) this.runs.delete(run);
  }

  /** The metrics of a run that is followed. */
  storeOf(run: string): MetricsStore | null {
    return this.runs.get(run)?.tail.store ?? null;
  }

  /** This engine's own training begins with a run: what its file holds is read, the rest is told. */
  async begin(run: string): Promise<void> {
    const followed = this.open(run);
    await this.inTurn(() => this.read(run, followed));
    followed.isOurs = true;
  }

  addRow(run: string, line: MetricsLine): void {
    const followed = this.runs.get(run);
    if (!followed) return;
    const from = followed.tail.store.add([line]);
    followed.followers.forEach((follower) => follower.rows(run, from));
  }

  addEvaluation(run: string, line: EvaluationLine): void {
    const followed = this.runs.get(run);
    if (!followed) return;
    const { store } = followed.tail;
    store.addEvaluation(line);
    followed.followers.forEach((follower) => follower.rows(run, store.rows));
  }

  addPreview(preview: Preview): void {
    const followed = this.runs.get(preview.run);
    followed?.previews.add(preview.step);
    followed?.followers.forEach((follower) => follower.preview(preview));
  }

  /** This engine's training of a run has ended; from now on it is like any other. */
  async end(run: string): Promise<void> {
    const followed = this.runs.get(run);
    if (!followed) return;
    await followed.tail.skipToEnd();
    followed.isOurs = false;
    void this.letGo(run, followed);
    this.schedule();
  }

  close(): void {
    if (this.timer) clearTimeout(this.timer);
    this.runs.clear();
  }

  private open(run: string): Followed {
    const known = this.runs.get(run);
    if (known) return known;
    const followed: Followed = {
      tail: new MetricsTail(path.join(run, 'metrics.jsonl'), this.cache),
      followers: new Set(),
      previews: new Set(previewSteps(run)),
      isOurs: false,
    };
    this.runs.set(run, followed);
    return followed;
  }

  /** One reads at a time, so that no file is read twice at once. */
  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.work.then(task);
    this.work = turn.catch(() => undefined);
    return turn;
  }

  private schedule(): void {
    const others = [...this.runs.values()].some(({ isOurs }) => !isOurs);
    if (this.timer || !others) return;
    this.timer = setTimeout(() => void this.poll(), POLL_MS);
  }

  private async poll(): Promise<void> {
    for (const [run, followed] of this.runs) {
      if (followed.isOurs) continue;
      // A file that cannot be read now may be so the next time.
      await this.inTurn(() => this.read(run, followed)).catch(() => undefined);
      await this.tellPreviews(run, followed).catch(() => undefined);
    }
    this.timer = null;
    this.schedule();
  }

  private async read(run: string, followed: Followed): Promise<void> {
    if (followed.isOurs) return;
    const from = await followed.tail.read();
    if (from !== null) followed.followers.forEach((follower) => follower.rows(run, from));
  }

  private async tellPreviews(run: string, followed: Followed): Promise<void> {
    const fresh = previewSteps(run).filter((step) => !followed.previews.has(step));
    if (fresh.length === 0) return;
    const previews = await readPreviews(run, fresh.slice(-MOST_PREVIEWS));
    fresh.forEach((step) => followed.previews.add(step));
    previews.forEach((preview) =>
      followed.followers.forEach((follower) => follower.preview(preview)),
    );
  }
}
