import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';

/**
 * Mounts a small disk in memory at a folder. Needs root on Linux, as in a container.
 *
 * @param options of mount, such as 'size=300k'
 * @returns what unmounts it, or null where that is not permitted
 */
export function mountDisk(folder: string, options: string): (() => void) | null {
  mkdirSync(folder, { recursive: true });
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'none', folder]);
  if (mount.status !== 0) return null;
  return () => {
    const { status, stderr } = spawnSync('umount', [folder]);
    if (status !== 0) throw new Error(`cannot unmount ${folder}: ${stderr.toString()}`);
  };
}

/** Writes a file that takes all the room there is left on its disk. */
export function fillDisk(file: string): void {
  const block = Buffer.alloc(4096, 1);
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
