import type * as vscode from 'vscode';
import type { SampleForm, SampleRow } from '../../../webview/protocol';
import type { Frame } from '../../engine/protocol';
import type { Services } from '../services';
import { SamplingSession } from './sampling-session';

/** What the samplings of a view tell. */
export interface SamplingsEvents {
  /** Other rows are shown. */
  readonly rows: (rows: readonly SampleRow[]) => void;
  /** A row that is shown is in another state. */
  readonly row: (row: SampleRow) => void;
  readonly frame: (frame: Frame) => void;
  /** Whether a sampling has begun that has drawn nothing yet, while others are shown. */
  readonly trying: (isTrying: boolean) => void;
  /** It has ended without a picture: why, in a sentence; those that are shown stay. */
  readonly failed: (message: string) => void;
  /** For the log. */
  readonly fault: (error: unknown) => void;
}

const hasPictures = ({ frame, result }: SampleRow) => frame !== null || result !== null;

/**
 * The samplings of a view. A new one takes the place of what is shown with its first picture: one that
 * fails before costs none that is there.
 */
export class Samplings implements vscode.Disposable {
  private shown: SamplingSession | null = null;
  private tried: SamplingSession | null = null;

  constructor(
    private readonly services: Services,
    private readonly events: SamplingsEvents,
  ) {}

  /** The rows that are shown. */
  get rows(): readonly SampleRow[] {
    return this.shown?.rows ?? [];
  }

  get isTrying(): boolean {
    return this.tried !== null;
  }

  /** Draws the forms one after the other. Settles when the last has ended; never throws. */
  async sample(forms: readonly SampleForm[]): Promise<void> {
    this.tried?.dispose();
    this.shown?.cancel();
    const session = new SamplingSession(this.services, forms, {
      row: (row) => this.changed(session, row),
      frame: (frame) => {
        if (session === this.tried) this.show(session);
        if (session === this.shown) this.events.frame(frame);
      },
      failed: (error) => this.events.fault(error),
    });
    this.tried = session;
    if (this.rows.some(hasPictures)) this.events.trying(true);
    else this.show(session);
    await session.run();
    if (session === this.tried) this.giveUp(session);
  }

  cancel(): void {
    (this.tried ?? this.shown)?.cancel();
  }

  private changed(session: SamplingSession, row: SampleRow): void {
    if (session === this.tried && hasPictures(row)) return this.show(session);
    if (session === this.shown) this.events.row(row);
  }

  private show(session: SamplingSession): void {
    this.shown?.dispose();
    this.shown = session;
    this.tried = null;
    this.events.trying(false);
    this.events.rows(session.rows);
  }

  private giveUp(session: SamplingSession): void {
    this.tried = null;
    this.events.trying(false);
    const message = session.rows.find((row) => row.message !== null)?.message;
    if (message != null) this.events.failed(message);
  }

  dispose(): void {
    this.tried?.dispose();
    this.shown?.dispose();
  }
}
