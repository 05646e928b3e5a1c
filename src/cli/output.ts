function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}

/** A reader that goes away (`| head`) is no error. */
export function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isClosedPipe(error)) throw error;
    });
  }
}

/** What a command says on stdout: text for people, or with `--json` one object a line. */
export class Output {
  /** @param onClosed called when the reader of stdout has gone away; default: the process ends */
  constructor(
    readonly json: boolean,
    onClosed: () => void = () => process.exit(0),
  ) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (isClosedPipe(error)) onClosed();
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
