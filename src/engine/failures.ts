import { StoppedError, UserError } from '../core/base/errors';
import { asUserError, oneLine } from '../core/base/files';
import type { EngineFailure } from './protocol';
import { inWindowWords } from './wording';

/** An error as it is told to a window. */
export function failureOf(error: unknown): EngineFailure {
  if (error instanceof StoppedError) return { kind: 'stopped', message: 'It was stopped.' };
  const known =
    error instanceof Error && 'path' in error
      ? asUserError(error, 'use', String(error.path))
      : error;
  if (known instanceof UserError) {
    return { kind: 'user', message: inWindowWords(known.message.replace(/\s*\n\s*/g, ' ')) };
  }
  return {
    kind: 'fault',
    message: `${oneLine(error)} (a fault of the engine; its log says more).`,
    detail: error instanceof Error ? error.stack : undefined,
  };
}
