import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../base/files';
import { CacheDamaged, CacheFile, CacheWriter, type CacheHeader, type CacheSummary } from './cache';
import { cacheFolderError } from './file-errors';
import type { Hooks } from './source';

/** What a cache file is looked up by: a folder, and what its images have in common. */
export interface CachePlace extends Pick<CacheHeader, 'fingerprint' | 'imageSize' | 'channels'> {
  readonly folder: string;
}

/** A whole, checked cache file. */
export interface CachedImages {
  readonly file: string;
  readonly header: CacheHeader;
}

/**
 * Finds the cache file of a fingerprint, or lets `build` append its images and makes it. A damaged
 * one is made anew. Processes that build the same one at once each write their own and the last
 * rename wins. Throws a UserError where the folder cannot be written.
 */
export async function findOrBuildCache(
  place: CachePlace,
  hooks: Hooks,
  build: (writer: CacheWriter) => Promise<CacheSummary>,
): Promise<CachedImages> {
  const file = path.join(place.folder, `${place.fingerprint}.images`);
  const found = await findWhole(file, place.fingerprint, hooks);
  if (found) return { file, header: found };
  removeOrphans(place.folder);
  const { fingerprint, imageSize, channels } = place;
  const writer = new CacheWriter(file, partialName(file), { fingerprint, imageSize, channels });
  try {
    return { file, header: writer.finish(await build(writer)) };
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

async function findWhole(
  file: string,
  fingerprint: string,
  hooks: Hooks,
): Promise<CacheHeader | null> {
  let cache: CacheFile | null = null;
  try {
    cache = CacheFile.open(file, fingerprint);
    await cache.verify(hooks);
    return cache.header;
  } catch (error) {
    if (error instanceof CacheDamaged) return null;
    throw error;
  } finally {
    cache?.close();
  }
}

/** Makes the cache folder if need be. Throws a UserError where that cannot be. */
export async function makeCacheFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw cacheFolderError(error, folder);
  }
}

let written = 0;

/** A name that no other writer uses, in this process, another one or on another machine. */
function partialName(file: string): string {
  return `${file}.${process.pid}-${written++}@${hostname()}.partial`;
}

/** Removes what writers on this machine left behind when they were killed. */
function removeOrphans(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const [, pid, host] = /\.(\d+)-\d+@(.+)\.partial$/.exec(name) ?? [];
      if (pid && host === hostname() && !isAlive(Number(pid))) {
        rmSync(path.join(folder, name), { force: true });
      }
    }
  } catch (error) {
    throw cacheFolderError(error, folder);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
