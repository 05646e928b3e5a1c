import { HOST_MARK } from '../../src/core/base/this-process';

/** A process number that no process has: beyond the largest that Linux gives. */
export const NO_PROCESS = 2 ** 22 + 1;

/** The hidden name of what a process was writing beside `target`: by default, of one that is gone. */
export function leftover(
  target: string,
  { kind = 'tmp', pid = NO_PROCESS, mark = '0'.repeat(16), host = HOST_MARK } = {},
): string {
  return `.${target}.${kind}-${host}-${pid}-${mark}-00ff00`;
}
