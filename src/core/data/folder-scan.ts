import { readdirSync, realpathSync, statSync, type Dirent } from 'node:fs';
import path from 'node:path';
import { breathe, fileErrorReason, stopIfAborted } from './file-errors';
import type { Hooks, SkippedFile } from './source';

const EXTENSIONS = /\.(png|jpe?g|jpe|jfif|webp|avif|tiff?|gif)$/i;

/** A file that is named like an image. */
export interface FoundFile {
  /** Relative to the folder, with `/` between its parts. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

export interface FolderScan {
  /** In the order of their paths' UTF-16 code units, the same on every machine. */
  readonly files: readonly FoundFile[];
  /** Files and folders that cannot be looked into. */
  readonly skipped: readonly SkippedFile[];
  /** How many files are not named like images. */
  readonly others: number;
}

/**
 * Lists the images in a folder and the folders within it, links followed, each folder once. Names
 * that start with a dot are passed over. Throws where the folder itself cannot be listed.
 */
export async function scanFolder(folder: string, hooks: Hooks): Promise<FolderScan> {
  const files: FoundFile[] = [];
  const skipped: SkippedFile[] = [];
  const seen = new Set<string>();
  const waiting = [''];
  let others = 0;
  let looked = 0;

  const visit = (entry: Dirent, at: string) => {
    const place = at === '' ? entry.name : `${at}/${entry.name}`;
    if (entry.name.startsWith('.')) return;
    if (entry.isDirectory()) return void waiting.push(place);
    const named = EXTENSIONS.test(entry.name);
    if (!named && !entry.isSymbolicLink()) return void others++;
    const found = statSync(path.join(folder, place));
    if (found.isDirectory()) return void waiting.push(place);
    if (!named || !found.isFile()) return void others++;
    const { size, mtimeMs, ctimeMs } = found;
    files.push({ path: place, size, mtimeMs, ctimeMs });
  };

  while (waiting.length > 0) {
    const at = waiting.pop()!;
    for (const entry of listOnce(folder, at, seen, skipped)) {
      try {
        visit(entry, at);
      } catch (error) {
        skipped.push({ path: path.posix.join(at, entry.name), reason: fileErrorReason(error) });
      }
      if (++looked % 512 === 0) {
        hooks.onProgress?.({ done: looked, total: 0, what: 'looking through the folder' });
        await breathe();
        stopIfAborted(hooks.signal);
      }
    }
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, skipped, others };
}

/** The entries of a folder; none when it was listed before or, below the top, cannot be. */
function listOnce(
  folder: string,
  at: string,
  seen: Set<string>,
  skipped: SkippedFile[],
): readonly Dirent[] {
  try {
    const real = realpathSync(path.join(folder, at));
    if (seen.has(real)) return [];
    seen.add(real);
    return readdirSync(real, { withFileTypes: true });
  } catch (error) {
    if (at === '') throw error;
    skipped.push({ path: at, reason: `the folder cannot be opened, ${fileErrorReason(error)}` });
    return [];
  }
}
