/** Who is told how a stream is read. */
export interface EventSource {
  /** An event was dealt with. */
  more(): void;
  /** The reader goes away before the end, for which it waits. */
  close(): void;
  /** The end has come. */
  ended(): void;
}

/** A job's events as they come from the other thread, to be read once. */
export class EventStream<E> {
  private readonly arrived: E[] = [];
  private end: { readonly error: Error | null } | null = null;
  private wake: () => void = () => undefined;

  constructor(private readonly source: EventSource) {}

  put(event: E): void {
    this.arrived.push(event);
    this.wake();
  }

  /** Nothing more will come; what has come is still read. */
  finish(error: Error | null): void {
    this.end = { error };
    this.source.ended();
    this.wake();
  }

  async *read(): AsyncGenerator<E, void, undefined> {
    try {
      for (;;) {
        while (this.arrived.length === 0 && !this.end) await this.news();
        if (this.arrived.length === 0) break;
        yield this.arrived.shift()!;
        if (!this.end) this.source.more();
      }
    } finally {
      if (!this.end) this.source.close();
      while (!this.end) await this.news();
    }
    if (this.end?.error) throw this.end.error;
  }

  private news(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}
