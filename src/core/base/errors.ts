/**
 * Something that the user can mend: a wrong option, file or setting. Its message is one sentence
 * that says what is wrong, where, and the way out. Shown as it is, never with a stack trace.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** The work was stopped on purpose by an `AbortSignal`. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** @throws StoppedError once the signal is aborted. */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoppedError('The work was stopped.');
}
