/** Frames whose times are kept: more than an hour's worth at 60 a second. */
const MOST_FRAMES = 1 << 18;

/**
 * Measures how long a page's scripts take in each frame: message listeners, animation frames and
 * timers, as long as they were set after `start`. The room for its numbers is taken at once, so that
 * measuring grows nothing.
 */
export class FrameClock {
  private readonly kept = new Float32Array(MOST_FRAMES);
  private count = 0;
  private spent = 0;

  start(): void {
    const ask = window.requestAnimationFrame.bind(window);
    const wait = window.setTimeout.bind(window);
    const listen = window.addEventListener.bind(window);
    window.requestAnimationFrame = (draw) => ask((now) => this.time(() => draw(now)));
    Object.assign(window, {
      setTimeout: (run: () => void, delay?: number) => wait(() => this.time(run), delay),
      addEventListener: (name: string, hear: (event: Event) => void, options?: object) => {
        listen(name, name === 'message' ? (event) => this.time(() => hear(event)) : hear, options);
      },
    });
    const tick = () => {
      this.close();
      ask(tick);
    };
    ask(tick);
  }

  /** Milliseconds of scripts in each frame that had any, since the last call. */
  take(): Float32Array {
    const times = this.kept.slice(0, this.count);
    this.count = 0;
    return times;
  }

  private time(run: () => void): void {
    const before = performance.now();
    try {
      run();
    } finally {
      this.spent += performance.now() - before;
    }
  }

  private close(): void {
    if (this.spent > 0 && this.count < MOST_FRAMES) this.kept[this.count++] = this.spent;
    this.spent = 0;
  }
}
