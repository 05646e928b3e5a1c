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

/** What V8 says of an array that does not fit the memory. */
const NO_ROOM = /array buffer allocation failed|invalid (typed )?array( buffer)? length/i;

/**
 * An error as one that the user can mend, where it says that an array did not fit the memory; any other as it is.
 *
 * @param wayOut what to do about it
 */
export function withMemoryExplained(error: unknown, wayOut: string): unknown {
  const isNoRoom = error instanceof RangeError && NO_ROOM.test(error.message);
  return isNoRoom ? new UserError(`The memory is too short for it; ${wayOut}.`) : error;
}

/** @throws StoppedError once the signal is aborted. */
export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoppedError('The work was stopped.');
}
