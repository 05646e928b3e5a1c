import { setImmediate as turn } from 'node:timers/promises';

/** A training or a sampling in the thread that computes, and how far its reader has come. */
export class Job {
  readonly stop = new AbortController();
  private unread = 0;
  private isClosed = false;
  private wake: () => void = () => undefined;

  /** @param ahead events that may be on their way to the reader, at least 1 */
  constructor(private readonly ahead: number) {}

  /**
   * Sends on all events, no faster than they are dealt with. After each, what this thread was told
   * meanwhile is heard: a job that is never held up would take a step more before a stop.
   */
  async pass<E>(events: AsyncIterable<E>, send: (event: E) => void): Promise<void> {
    for await (const event of events) {
      send(event);
      this.unread++;
      await turn();
      while (this.unread >= this.ahead && !this.isClosed) await this.news();
      if (this.isClosed) return;
    }
  }

  /** The reader has dealt with an event. */
  more(): void {
    this.unread--;
    this.wake();
  }

  /** The reader is gone. */
  close(): void {
    this.isClosed = true;
    this.stop.abort();
    this.wake();
  }

  private news(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
