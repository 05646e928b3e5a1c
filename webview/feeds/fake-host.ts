/** Stands in for the editor: keeps what a view says and its state, and answers by a script. */

export interface Said {
  readonly type: string;
  readonly [key: string]: unknown;
}

export class FakeHost {
  /** What the view said, the oldest first. */
  readonly said: Said[] = [];
  private state: unknown;

  /**
   * @param answer called with everything the view says
   * @param first the state that the view finds
   */
  constructor(
    private readonly answer: (said: Said, host: FakeHost) => void,
    first?: unknown,
  ) {
    this.state = first;
    Object.assign(globalThis, { acquireVsCodeApi: () => this.api() });
  }

  /** Says something to the view, copied as the editor does. */
  say(message: unknown): void {
    window.postMessage(message, '*');
  }

  /** Takes what a view says, and answers. */
  hear(said: Said): void {
    this.said.push(structuredClone(said));
    this.answer(said, this);
  }

  /** What the view keeps. */
  get kept(): unknown {
    return this.state;
  }

  private api() {
    return {
      postMessage: (said: Said) => this.hear(said),
      getState: () => this.state,
      setState: (state: unknown) => {
        this.state = structuredClone(state);
      },
    };
  }
}
