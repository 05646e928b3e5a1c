import path from 'node:path';
import type * as vscode from 'vscode';
import { EngineError } from '../../engine/client';
import { ColumnStore } from '../../engine/columns';
import type { MetricsDelta, Preview, RunHistory, RunSummary } from '../../engine/protocol';
import type { Services } from '../services';
import { overviewOf } from './overview';

/** Runs of more rows are shown by an overview first: the editor takes its time to pass on megabytes. */
const LONG_ROWS = 30_000;
/** Rows that are passed on at once: some megabytes. */
const PIECE_ROWS = 50_000;

/** What a view shows first. */
export interface TakenHistory {
  readonly history: RunHistory;
  /** Whether its columns are an overview, and all rows follow from the first on. */
  readonly isOverview: boolean;
}

export interface TakenRows {
  readonly delta: MetricsDelta;
  /** Rows that are still to be taken. */
  readonly left: number;
}

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
 * is shown gets all of it, and later what was added since.
 */
export class RunFollower implements vscode.Disposable {
  private store: ColumnStore | null = null;
  private rest: Omit<RunHistory, 'columns'> | null = null;
  /** Rows that were taken by the view. */
  private taken = 0;
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
  takeAll(): TakenHistory | null {
    const { rest, store } = this;
    if (!rest || !store) return null;
    const isOverview = store.length > LONG_ROWS;
    this.taken = isOverview ? 0 : store.length;
    const columns = isOverview ? overviewOf(store.view()) : store.copy();
    return { history: { ...rest, columns }, isOverview };
  }

  /** What was added since rows were last taken, or of many rows the first. */
  takeNew(): TakenRows {
    const store = this.store ?? new ColumnStore();
    const from = Math.min(this.taken, store.length);
    this.taken = Math.min(from + PIECE_ROWS, store.length);
    const delta = { run: this.run, from, columns: store.copy(from, this.taken) };
    return { delta, left: store.length - this.taken };
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
      const { columns, ...rest } = await this.services.followed.follow(this.run, this);
      if (this.isDisposed) return this.leave();
      this.store = new ColumnStore(columns);
      this.rest = rest;
      this.events.read();
    } catch (error) {
      this.isFollowing = false;
      if (this.isDisposed) this.leave();
      else this.events.failed(sentenceOf(error));
    }
  }

  private add(delta: MetricsDelta): void {
    const { store } = this;
    if (!store || !isSamePath(delta.run, this.run)) return;
    // Rows between are missing where the engine began to follow before it answered.
    if (delta.from > store.length) return void this.read();
    store.write(delta.from, delta.columns);
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
    this.store = this.rest = null;
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
