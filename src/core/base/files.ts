import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from './errors';
import { HOST_MARK, isAlive, PROCESS_MARK } from './this-process';

/** What the system's error codes mean to a person, and the way out of each. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space or choose another folder',
  EDQUOT: 'the disk quota is used up; free some space or choose another folder',
  EFBIG: 'the file would be larger than this disk allows; choose another folder',
  EACCES: 'permission is denied; change the permissions or choose another place',
  EPERM: 'the system does not permit it; change the permissions or choose another place',
  EROFS: 'the disk is read-only; choose another place',
  EEXIST: 'something of that name is already there; move it away or choose another name',
  ENOTEMPTY: 'the folder is not empty; move its files away or choose another name',
  ENOENT: 'there is no such file or folder; check the path',
  ENOTDIR: 'a part of the path is a file, not a folder; check the path',
  EISDIR: 'it is a folder, not a file; check the path',
  ENAMETOOLONG: 'the name is too long; choose a shorter one',
  ELOOP: 'its links lead round in a circle; check the path',
  EMFILE: 'too many files are open; close some programs or raise the limit (ulimit -n)',
  ENFILE: 'too many files are open; close some programs and try again',
  EBUSY: 'another program is using it; close that program and try again',
  EIO: 'the disk reports a fault; check the disk or choose another one',
};

/** The code of a system error (`ENOENT`, …), or undefined for any other value. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * A system error as one sentence for the user: "Cannot <doing> <path>: <reason>; <way out>."
 * Errors that are no fault of the file system, and UserErrors, come back as they are.
 *
 * @param doing the verb and its object, such as 'write the checkpoint' or 'read'
 */
export function asUserError(error: unknown, doing: string, file: string): unknown {
  const reason = REASONS[errorCode(error) ?? ''];
  return reason === undefined
    ? error
    : new UserError(`Cannot ${doing} ${file}: ${reason}.`, { cause: error });
}

/** Runs file work; a system error in it becomes a UserError (see {@link asUserError}). */
export async function withFile<T>(doing: string, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asUserError(error, doing, file);
  }
}

/**
 * Makes a folder and those above it. (Node's own `recursive` never ends where a parent refuses entries
 * as if it were not there, as /proc does.)
 *
 * @returns the outermost folder that was made; undefined if something of that name was there
 */
export async function makeFolder(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') return undefined;
    const above = path.dirname(folder);
    if (code !== 'ENOENT' || above === folder || (await exists(above))) throw error;
    const outermost = await makeFolder(above);
    await mkdir(folder);
    return outermost ?? folder;
  }
}

/** Whether a file or folder is there. Throws a UserError when that cannot be told. */
export async function exists(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'r');
    await handle.close();
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    if (code === 'EISDIR') return true;
    throw asUserError(error, 'read', file);
  }
}

/** The names in a folder, sorted; null when there is no such folder. */
export async function listFolder(folder: string): Promise<string[] | null> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw asUserError(error, 'read the folder', folder);
  }
}

/**
 * The value in a JSON file.
 *
 * @param parse reads the text, and throws where it can't
 * @throws UserError when the file cannot be read or is not JSON
 */
export async function readJson(
  file: string,
  parse: (text: string) => unknown = JSON.parse,
): Promise<unknown> {
  const text = await withFile('read', file, () => readFile(file, 'utf8'));
  try {
    return parse(text);
  } catch (error) {
    const detail = text.trim() === '' ? 'it is empty' : oneLine(error);
    throw new UserError(
      `${file} is not valid JSON (${detail}); mend it or restore it from a copy.`,
    );
  }
}

/** The message of an error on one line, without the full stop at its end. */
export function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}

/** Asks the system to put a folder's entries on the disk; where folders can't be synced, nothing. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'EACCES'].includes(errorCode(error) ?? '')) throw error;
  }
}

/** What a file holds, as a whole or piece by piece. */
export type FileData = string | Uint8Array | Iterable<Uint8Array>;

/** Writes a file and puts it on the disk before it returns. Not atomic: see {@link writeFileAtomic}. */
export async function writeFileSynced(file: string, data: FileData): Promise<void> {
  const handle = await open(file, 'w');
  try {
    const pieces = typeof data === 'string' || data instanceof Uint8Array ? [data] : data;
    for (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * A hidden name beside `target` that no other writer uses: machine, process and draw are in it. What a
 * crash leaves there is dealt with by {@link removeLeftovers}.
 */
export function siblingOf(target: string, kind: 'tmp' | 'old'): string {
  const { dir, base } = path.parse(path.resolve(target));
  const unique = randomBytes(3).toString('hex');
  const writer = `${HOST_MARK}-${process.pid}-${PROCESS_MARK}`;
  return path.join(dir, `.${base}.${kind}-${writer}-${unique}`);
}

/**
 * Writes a file so that a crash at any moment leaves the old content or the new, never a mixture:
 * a hidden sibling is written, put on the disk and renamed into place.
 *
 * @throws UserError when the disk is full, the folder is missing or read-only …; nothing is left
 */
export async function writeFileAtomic(
  file: string,
  data: FileData,
  doing = 'write',
): Promise<void> {
  const temporary = siblingOf(file, 'tmp');
  try {
    await writeFileSynced(temporary, data);
    await rename(temporary, file);
    await syncFolder(path.dirname(temporary));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asUserError(error, doing, file);
  }
}

/**
 * Makes a folder so that a crash at any moment leaves all of it or nothing: `fill` writes (and
 * syncs) files into a hidden sibling, which is then renamed into place. With `replace`, a folder
 * that is already there is moved aside first and removed last.
 *
 * @throws UserError when the target exists (without `replace`) or cannot be written; nothing is left
 */
export async function writeFolderAtomic(
  target: string,
  fill: (folder: string) => Promise<void>,
  { doing = 'write', replace = false }: { doing?: string; replace?: boolean } = {},
): Promise<void> {
  const temporary = siblingOf(target, 'tmp');
  try {
    const entries = await listFolder(target);
    const taken = entries === null ? await exists(target) : entries.length > 0;
    if (taken && !replace) throw Object.assign(new Error('taken'), { code: 'EEXIST' });
    await makeFolder(path.dirname(temporary));
    await mkdir(temporary);
    await fill(temporary);
    await syncFolder(temporary);
    if (taken) await swapFolders(temporary, target);
    else await renameOntoEmpty(temporary, target, entries !== null);
    await syncFolder(path.dirname(temporary));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw asUserError(causeWithin(error, temporary), doing, target);
  }
}

/** The system's error behind a UserError that names a hidden place, of which users know nothing. */
function causeWithin(error: unknown, hidden: string): unknown {
  const names = error instanceof UserError && error.message.includes(hidden);
  return names && error.cause !== undefined ? error.cause : error;
}

/** Renames a folder into place; an empty folder that stands there goes first (Windows needs it). */
async function renameOntoEmpty(from: string, to: string, present: boolean): Promise<void> {
  if (present) await rmdir(to);
  await rename(from, to);
}

async function swapFolders(from: string, to: string): Promise<void> {
  const old = siblingOf(to, 'old');
  await rename(to, old);
  try {
    await rename(from, to);
  } catch (error) {
    await rename(old, to);
    throw error;
  }
  await rm(old, { recursive: true, force: true });
}

const LEFTOVER =
  /^\.(?<target>.+)\.(?<kind>tmp|old)-(?<host>[0-9a-f]{8})-(?<pid>\d+)-(?<mark>[0-9a-f]{16})-[0-9a-f]{6}$/;

/** Whether the writer that a hidden name speaks of may still be there. */
function mayBeInUse(host: string, pid: number, mark: string): boolean {
  // Of another machine's processes nothing is known here.
  if (host !== HOST_MARK) return true;
  // Our number: one of our threads, or an earlier life of it.
  return pid === process.pid ? mark === PROCESS_MARK : isAlive(pid);
}

/**
 * Mends a folder after a crash of {@link writeFileAtomic} or {@link writeFolderAtomic}: what was half
 * written is removed, what was moved aside and not replaced is moved back. What belongs to a process
 * that still runs, or to another machine that shares the disk, is left alone.
 *
 * @returns the names that were removed or moved back
 */
export async function removeLeftovers(folder: string): Promise<string[]> {
  const names = (await listFolder(folder)) ?? [];
  const mended: string[] = [];
  for (const name of names) {
    const { target, kind, host, pid, mark } = LEFTOVER.exec(name)?.groups ?? {};
    if (target === undefined || mayBeInUse(host!, Number(pid), mark!)) continue;
    const leftover = path.resolve(folder, name);
    await withFile('remove the unfinished', leftover, () =>
      kind === 'old' && !names.includes(target)
        ? rename(leftover, path.join(folder, target))
        : rm(leftover, { recursive: true, force: true }),
    );
    mended.push(name);
  }
  return mended;
}
