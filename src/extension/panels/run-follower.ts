import path from 'node:path';
import type * as vscode from 'vscode';
import { EngineError } from '../../engine/client';
import { ColumnStore, PIECE_ROWS } from '../../engine/columns';
import { LONG_ROWS, overviewOf } from '../../engine/overview';
import type {
  MetricsColumns,
  MetricsDelta,
  Preview,
  RunHistory,
  RunSummary,
} from '../../engine/protocol';
import type { Services } from '../services';

/** Whether two paths mean the same folder. */
export function isSamePath(a: string, b: string): boolean {
  return path.relative(a, b) === '';
}

/** What a follower tells. */
export interface FollowerEvents {
  /** The run was read, for the first time or anew: all may be different. */
  readonly read: () => void;
  /** There are rows that have not been taken. */
  readonly metrics: () => void;
  readonly preview: (preview: Preview) => void;
  /** The run cannot be read, in a sentence. */
  readonly failed: (message: string) => void;
}

/**
 * Keeps the history of one run: read once, then followed, and read anew when the engine was. A view that
 * is shown gets all of it, and later what was added since. Of a long run the engine tells an overview, and
 * then all rows; so does this, to each view that is shown.
 */
export class RunFollower implements vscode.Disposable {
  private store: ColumnStore | null = null;
  private rest: Omit<RunHistory, 'columns' | 'rows'> | null = null;
  /** What the engine told of a run whose rows are not all here. */
  private overview: MetricsColumns | null = null;
  /** Rows that the engine has yet to tell. */
  private left = 0;
  /** Rows that were taken by the view. */
  private taken = 0;
  /** Whether there are evaluations that the view has not taken. */
  private hasNewEvaluations = false;
  private reading: Promise<void> | null = null;
  private isFollowing = false;
  private isDisposed = false;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly services: Services,
    readonly run: string,
    private readonly events: FollowerEvents,
  ) {
    const { engine } = services;
    this.subscriptions = [
      engine.on('metrics', (delta) => this.add(delta)),
      engine.on('preview', (preview) => this.addPreview(preview)),
      engine.onDidChangeHealth(({ state }) => {
        if (state === 'down') this.isFollowing = false;
        if (state === 'up' && this.store && !this.isFollowing) void this.read();
      }),
    ];
  }

  /**
   * All that is known of the run, its rows counted as taken; null until it was read. Of a long run an
   * overview, and then all its rows are still to be taken.
   */
  takeAll(): RunHistory | null {
    const { rest, store, overview } = this;
    if (!rest || !store) return null;
    const rows = store.length + this.left;
    const isLong = rows > LONG_ROWS;
    this.hasNewEvaluations = false;
    this.taken = isLong ? 0 : store.length;
    const columns = isLong ? (overview ?? overviewOf(store.view())) : store.copy();
    return { ...rest, columns, rows };
  }

  /** Whether there are rows or evaluations that have not been taken. */
  get hasNew(): boolean {
    return this.store !== null && (this.taken < this.store.length || this.hasNewEvaluations);
  }

  /** What was added since rows were last taken, or of many rows the first. */
  takeNew(): MetricsDelta {
    const store = this.store ?? new ColumnStore();
    const from = Math.min(this.taken, store.length);
    this.taken = Math.min(from + PIECE_ROWS, store.length);
    const left = store.length - this.taken + this.left;
    const delta = { run: this.run, from, columns: store.copy(from, this.taken), left };
    const evaluations = this.hasNewEvaluations ? this.rest?.evaluations : undefined;
    this.hasNewEvaluations = false;
    return evaluations ? { ...delta, evaluations } : delta;
  }

  set summary(summary: RunSummary) {
    if (this.rest) this.rest = { ...this.rest, summary };
  }

  /** Reads the run and follows it. Never throws: what went wrong is told. */
  read(): Promise<void> {
    this.reading ??= this.readNow().finally(() => (this.reading = null));
    return this.reading;
  }

  private async readNow(): Promise<void> {
    try {
      this.isFollowing = true;
      const history = await this.services.followed.follow(this.run, this);
      if (this.isDisposed) return this.leave();
      this.take(history);
      this.events.read();
    } catch (error) {
      this.isFollowing = false;
      if (this.isDisposed) this.leave();
      else this.events.failed(sentenceOf(error));
    }
  }

  private take({ columns, rows, ...rest }: RunHistory): void {
    const isOverview = columns.step.length < rows;
    this.rest = rest;
    this.overview = isOverview ? columns : null;
    this.store = isOverview ? new ColumnStore() : new ColumnStore(columns);
    this.left = isOverview ? rows : 0;
    this.taken = 0;
  }

  private add(delta: MetricsDelta): void {
    const { store } = this;
    if (!store || !isSamePath(delta.run, this.run)) return;
    // Rows between are missing where the engine began to follow before it answered.
    if (delta.from > store.length) return void this.read();
    const end = delta.from + delta.columns.step.length;
    if (delta.evaluations && this.rest) {
      this.rest = { ...this.rest, evaluations: delta.evaluations };
      this.hasNewEvaluations = true;
    }
    store.write(delta.from, delta.columns, delta.left);
    // Of those that are told again, the others are here.
    this.left = end + delta.left - store.length;
    if (this.left === 0) this.overview = null;
    this.taken = Math.min(this.taken, delta.from);
    this.events.metrics();
  }

  private addPreview(preview: Preview): void {
    const { rest } = this;
    if (!rest || !isSamePath(preview.run, this.run)) return;
    const steps = new Set([...rest.previewSteps, preview.step]);
    this.rest = { ...rest, previewSteps: [...steps].sort((a, b) => a - b) };
    this.events.preview(preview);
  }

  dispose(): void {
    this.isDisposed = true;
    this.subscriptions.forEach((each) => each.dispose());
    this.store = this.rest = this.overview = null;
    if (!this.reading) this.leave();
  }

  private leave(): void {
    this.isFollowing = false;
    this.services.followed.leave(this.run, this);
  }
}

/** What went wrong, as a sentence for a view. */
export function sentenceOf(error: unknown): string {
  if (error instanceof EngineError) return error.failure.message;
  return error instanceof Error ? error.message : String(error);
}
