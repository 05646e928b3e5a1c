import { MOST_UPDATES_A_SECOND } from './protocol';
import type { Notice, Payload } from './wire';

/** Something to tell a window: made when it is sent, so that what waits holds nothing. */
export type Letter = { [N in Notice]: readonly [N, Payload<N>] }[Notice];

const INTERVAL_MS = Math.ceil(1000 / MOST_UPDATES_A_SECOND);

/**
 * What one window is yet to be told. Letters of one key replace each other, and nothing more is sent
 * before the last has left: a window that does not read costs neither time nor memory.
 */
export class Outbox {
  private readonly waiting = new Map<string, () => Letter | null>();
  private flushes = 0;
  private timer: NodeJS.Timeout | null = null;
  private sentAt = -Infinity;
  private isClosed = false;

  /** Settles when all that was to be sent until now has left. */
  private lastSent: Promise<void> = Promise.resolve();
  private tellClosed: () => void = () => undefined;
  private readonly closed = new Promise<void>((resolve) => (this.tellClosed = resolve));

  /**
   * @param send settles when the system has taken the letter; rejects when the window is gone, or where
   *   the letter cannot travel
   */
  constructor(private readonly send: (letter: Letter) => Promise<void>) {}

  /** Letters that wait. */
  get size(): number {
    return this.waiting.size;
  }

  /** Sends a letter soon, in place of one of this key that waits. `make` may find nothing to tell. */
  put(key: string, make: () => Letter | null): void {
    if (this.isClosed) return;
    this.waiting.set(key, make);
    this.schedule();
  }

  /** Takes back a letter that waits. */
  drop(key: string): void {
    this.waiting.delete(key);
  }

  close(): void {
    this.isClosed = true;
    this.waiting.clear();
    this.unschedule();
    this.tellClosed();
  }

  /** Sends at once what waits; settles when it has left, or when the window is gone. */
  async drained(): Promise<void> {
    this.unschedule();
    await Promise.race([this.flush(), this.closed]);
  }

  private schedule(): void {
    if (this.timer || this.flushes > 0 || this.waiting.size === 0 || this.isClosed) return;
    const wait = Math.max(0, this.sentAt + INTERVAL_MS - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.flush();
    }, wait);
  }

  private unschedule(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  /** One after the other: a letter that is made later is sent later. */
  private flush(): Promise<void> {
    this.flushes++;
    this.lastSent = this.lastSent.then(async () => {
      await this.sendWaiting();
      this.flushes--;
      this.schedule();
    });
    return this.lastSent;
  }

  private async sendWaiting(): Promise<void> {
    this.sentAt = performance.now();
    const letters = [...this.waiting.values()];
    this.waiting.clear();
    for (const make of letters) await this.deliver(make);
  }

  /** A letter that cannot be made or sent holds up no other. */
  private async deliver(make: () => Letter | null): Promise<void> {
    try {
      const letter = this.isClosed ? null : make();
      if (letter) await this.send(letter);
    } catch (error) {
      // Of a window that is gone, its connection says so.
      if (this.isClosed) return;
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`A window could not be told something: ${why}\n`);
    }
  }
}
