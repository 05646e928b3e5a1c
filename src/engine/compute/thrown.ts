import { StoppedError, UserError } from '../../core/base/errors';
import type { Thrown } from './protocol';

/** An error as it crosses to the other thread. */
export function thrownOf(error: unknown): Thrown {
  if (!(error instanceof Error)) {
    return { kind: 'fault', message: String(error), stack: undefined, details: {} };
  }
  const { message, stack } = error;
  return { kind: kindOf(error), message, stack, details: detailsOf(error) };
}

/** The error of {@link thrownOf}, of the class that it had where it was thrown. */
export function errorOf({ kind, message, stack, details }: Thrown): Error {
  switch (kind) {
    case 'user':
      return new UserError(message);
    case 'stopped':
      return new StoppedError(message);
    case 'fault':
      return Object.assign(new Error(message), details, { stack });
    default:
      return kind satisfies never;
  }
}

function kindOf(error: Error): Thrown['kind'] {
  if (error instanceof UserError) return 'user';
  return error instanceof StoppedError ? 'stopped' : 'fault';
}

function detailsOf(error: Error): Thrown['details'] {
  const plain = Object.entries(error).filter(
    (entry): entry is [string, string | number] =>
      typeof entry[1] === 'string' || typeof entry[1] === 'number',
  );
  return Object.fromEntries(plain);
}
