/** EPIPE: the reader of a pipe has gone (`| head`); EIO: the terminal has been closed. */
function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO';
}

/** A reader that goes away is no error. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isClosed(error)) throw error;
    });
  }
}

/** What a command says on stdout: text for people, or with `--json` one object a line. */
export class Output {
  /** @param onClosed called when the reader of stdout has gone away; default: what was begun is done */
  constructor(
    readonly json: boolean,
    onClosed: () => void = () => undefined,
  ) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (isClosed(error)) onClosed();
    });
  }

  /** An event for programs; nothing without `--json`. */
  event(event: { readonly type: string } & Readonly<Record<string, unknown>>): void {
    if (this.json) process.stdout.write(`${JSON.stringify(event)}\n`);
  }

  /** Lines for people; nothing with `--json`. */
  text(...lines: readonly string[]): void {
    if (!this.json) process.stdout.write(lines.map((line) => `${line}\n`).join(''));
  }
}
