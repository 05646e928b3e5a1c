import { StoppedError, UserError } from '../base/errors';

/** Why the operating system refused, in words. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of its path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'there is no permission',
  EPERM: 'there is no permission',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  ELOOP: 'its symbolic links go in circles',
  ENAMETOOLONG: 'its path is too long',
  EIO: 'the disk reports an error',
};

/** The operating system's code of a failed file operation ("ENOENT"); null for any other error. */
export function fileErrorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Why a file operation failed, as a clause in words: "the disk is full". Rethrows other errors. */
export function fileErrorReason(error: unknown): string {
  const code = fileErrorCode(error);
  if (code === null) throw error;
  return WORDS[code] ?? `the system reports ${code}`;
}

/** A failed file operation as a UserError "<what>: <reason>; <way out>."; any other error as it is. */
export function asUserError(error: unknown, what: string, wayOut: string): unknown {
  if (fileErrorCode(error) === null) return error;
  return new UserError(`${what}: ${fileErrorReason(error)}; ${wayOut}.`);
}

/** A failed write to `place` in the cache folder, as a UserError. */
export function cacheFolderError(error: unknown, place: string): unknown {
  const wayOut = 'make room or give access there, or choose another cache folder';
  return asUserError(error, `Cannot store decoded images at ${place}`, wayOut);
}

/** Throws a StoppedError once the signal is aborted. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StoppedError('Stopped while the data set was being prepared.');
}

/** Lets timers, input and output have their turn between pieces of synchronous work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
