import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { MAX_FILE_BYTES } from './decode';
import { breathe, fileErrorCode, stopIfAborted } from './file-errors';
import type { FoundFile } from './folder-scan';
import type { Hooks } from './source';

/** What a file was when it was last read: size, modified, changed (ms), SHA-256 in hex. */
type Entry = readonly [size: number, mtimeMs: number, ctimeMs: number, hash: string];
type Manifest = Readonly<Record<string, Entry>>;

const CHUNK_BYTES = 1 << 20;

/** SHA-256 of some text, in hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Hashes files one after the other, a piece at a time. */
export class FileHasher {
  private readonly chunk = new Uint8Array(CHUNK_BYTES);

  /** SHA-256 of the file's content, in hex. Throws where it cannot be read. */
  async hash(file: string, signal?: AbortSignal): Promise<string> {
    const hash: Hash = createHash('sha256');
    const fd = openSync(file, 'r');
    try {
      for (;;) {
        const count = readSync(fd, this.chunk);
        hash.update(count === CHUNK_BYTES ? this.chunk : this.chunk.subarray(0, count));
        if (count < CHUNK_BYTES) return hash.digest('hex');
        await breathe();
        stopIfAborted(signal);
      }
    } finally {
      closeSync(fd);
    }
  }
}

/**
 * The content hash of each file. `manifestFile` remembers them by path, size and times, so that a
 * folder that has not changed is not read again. A file that cannot be read, or is too large to be
 * an image to learn from, gets a word in place of its hash.
 */
export async function hashFolder(
  folder: string,
  files: readonly FoundFile[],
  manifestFile: string,
  hooks: Hooks,
): Promise<string[]> {
  const known = readManifest(manifestFile);
  const hasher = new FileHasher();
  const manifest: Record<string, Entry> = Object.create(null) as Record<string, Entry>;
  const hashes: string[] = [];
  let fresh = false;
  for (const [i, { path: name, size, mtimeMs, ctimeMs }] of files.entries()) {
    const entry = known[name];
    let hash = entry?.[3];
    if (entry?.[0] !== size || entry[1] !== mtimeMs || entry[2] !== ctimeMs || !hash) {
      hash = await hashOne(hasher, path.join(folder, name), size, hooks.signal);
      fresh = true;
      if (i % 16 === 0) await breathe();
    }
    if (hash.length === 64) manifest[name] = [size, mtimeMs, ctimeMs, hash];
    hashes.push(hash);
    if ((i + 1) % 512 === 0 || i + 1 === files.length) {
      hooks.onProgress?.({ done: i + 1, total: files.length, what: 'reading files' });
      await breathe();
      stopIfAborted(hooks.signal);
    }
  }
  if (fresh || Object.keys(known).length !== files.length) writeManifest(manifestFile, manifest);
  return hashes;
}

async function hashOne(
  hasher: FileHasher,
  file: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (size > MAX_FILE_BYTES) return 'too large';
  try {
    return await hasher.hash(file, signal);
  } catch (error) {
    if (fileErrorCode(error) === null) throw error;
    return 'unreadable';
  }
}

function readManifest(file: string): Manifest {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest;
  } catch {
    return {};
  }
}

/** Keeps the manifest if it can be kept: without it, the files are only read again next time. */
function writeManifest(file: string, manifest: Manifest): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    writeFileSync(partial, JSON.stringify(manifest));
    renameSync(partial, file);
  } catch {
    rmSync(partial, { force: true });
  }
}
