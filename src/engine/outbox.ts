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
  private isSending = false;
  private timer: NodeJS.Timeout | null = null;
  private sentAt = -Infinity;
  private isClosed = false;

  /** @param send settles when the system has taken the letter, rejects when the window is gone */
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
    if (this.timer) clearTimeout(this.timer);
  }

  private schedule(): void {
    if (this.timer || this.isSending || this.waiting.size === 0 || this.isClosed) return;
    const wait = Math.max(0, this.sentAt + INTERVAL_MS - performance.now());
    this.timer = setTimeout(() => {
      this.timer = null;
      void this.flush();
    }, wait);
  }

  private async flush(): Promise<void> {
    this.isSending = true;
    this.sentAt = performance.now();
    const letters = [...this.waiting.values()];
    this.waiting.clear();
    try {
      for (const make of letters) {
        const letter = this.isClosed ? null : make();
        if (letter) await this.send(letter);
      }
    } catch {
      // The window is gone, which its connection says.
    }
    this.isSending = false;
    this.schedule();
  }
}
