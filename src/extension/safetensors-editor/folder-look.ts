import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

const LOOK_MS = 2000;

/** Files of weights, and the indices of several. */
export const isWeights = (name: string): boolean => name.includes('.safetensors');

/** Checkpoints in a run, which are renamed into their place when they are whole. */
export const isCheckpoint = (name: string): boolean => /^step-\d+$/.test(name);

/**
 * Looks now and then whether files of a folder came, changed or went. The editor's own watchers miss that
 * in folders that were renamed into their place, as checkpoints are, and on network disks.
 */
export class FolderLook {
  private known: string | null = null;
  private isEnded = false;
  private current: Promise<void> | null = null;
  private readonly timer: NodeJS.Timeout;

  /** @param isMeant whether a file of this name counts */
  constructor(
    private readonly folder: string,
    private readonly isMeant: (name: string) => boolean,
    private readonly changed: () => void,
  ) {
    void this.look();
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  /** Looks now, or waits for the look that is on: on a slow disk one may outlast the time between two. */
  look(): Promise<void> {
    this.current ??= this.lookOnce().finally(() => (this.current = null));
    return this.current;
  }

  private async lookOnce(): Promise<void> {
    const seen = await this.stamp();
    if (this.isEnded) return;
    const { known } = this;
    this.known = seen;
    if (known !== null && seen !== known) this.changed();
  }

  dispose(): void {
    this.isEnded = true;
    clearInterval(this.timer);
  }

  /** What changes with the files; that of a folder that is not there is empty. */
  private async stamp(): Promise<string> {
    const names = await readdir(this.folder).catch(() => []);
    const meant = names.filter(this.isMeant).sort();
    const stamps = meant.map((name) =>
      stat(path.join(this.folder, name)).then(
        ({ ino, size, mtimeMs }) => `${name} ${ino} ${size} ${mtimeMs}`,
        () => name,
      ),
    );
    return (await Promise.all(stamps)).join('\n');
  }
}
