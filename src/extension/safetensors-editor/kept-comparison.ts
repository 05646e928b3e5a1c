import path from 'node:path';
import type { ShownComparison } from '../../../webview/protocol';
import type { WeightsComparison } from '../../engine/protocol';
import { isCheckpoint, isWeights } from './folder-look';

/** A net to compare with: its path, and how it is called. */
export interface OtherNet {
  readonly path: string;
  readonly label: string;
}

/** What a comparison needs of its surroundings. */
export interface ComparisonDoor {
  /** Compares the editor's net with another. */
  readonly compare: (other: string, signal: AbortSignal) => Promise<WeightsComparison>;
  /** Calls back whenever what lies in the folder and is meant, by its name, is made, changed or removed. */
  readonly watch: (
    folder: string,
    isMeant: (name: string) => boolean,
    changed: () => void,
  ) => { dispose(): void };
  /** Null: none is shown any more. */
  readonly show: (comparison: ShownComparison | null) => void;
  readonly sentence: (error: unknown) => string;
}

/** A file that is written changes many times, and several files of a net one after the other. */
const SETTLE_MS = 300;

/**
 * The comparison that an editor shows: done again when a file of either net changes, or when the run that
 * it is compared with writes a checkpoint.
 */
export class KeptComparison {
  private current: ShownComparison | null = null;
  private other: OtherNet | null = null;
  /** Where the other net's weights were found, unless that is watched anyway. */
  private found: string | null = null;
  private work = new AbortController();
  private settling: NodeJS.Timeout | null = null;
  private readonly watched = new Map<string, { dispose(): void }>();

  /** @param file the editor's own */
  constructor(
    private readonly file: string,
    private readonly door: ComparisonDoor,
  ) {}

  get shown(): ShownComparison | null {
    return this.current;
  }

  /** Compares with another net, in place of the last. Never throws: what fails is shown. */
  async start(other: OtherNet): Promise<void> {
    this.dispose();
    this.other = other;
    [path.dirname(this.file), ...placesOf(other.path)].forEach((place) => this.watch(place));
    if (!isFile(other.path)) this.watch(path.join(other.path, 'checkpoints'), isCheckpoint);
    await this.compare();
  }

  end(): void {
    this.dispose();
    this.show(null);
  }

  dispose(): void {
    this.work.abort();
    this.other = null;
    if (this.settling) clearTimeout(this.settling);
    this.watched.forEach((each) => each.dispose());
    this.watched.clear();
    this.found = null;
  }

  private async compare(): Promise<void> {
    const { other } = this;
    if (!other) return;
    this.work.abort();
    this.work = new AbortController();
    const { signal } = this.work;
    const told = { other: other.label, result: null, message: null };
    this.show(told);
    try {
      const result = await this.door.compare(other.path, signal);
      if (signal.aborted) return;
      this.watchFound(path.dirname(result.b));
      this.show({ ...told, result });
    } catch (error) {
      if (!signal.aborted) this.show({ ...told, message: this.door.sentence(error) });
    }
  }

  private show(comparison: ShownComparison | null): void {
    this.current = comparison;
    this.door.show(comparison);
  }

  /** A run's next checkpoint takes the place of the last. */
  private watchFound(folder: string): void {
    if (folder === this.found) return;
    if (this.found !== null) {
      this.watched.get(this.found)?.dispose();
      this.watched.delete(this.found);
    }
    this.found = this.watched.has(folder) ? null : folder;
    this.watch(folder);
  }

  private watch(folder: string, isMeant = isWeights): void {
    if (this.watched.has(folder)) return;
    this.watched.set(
      folder,
      this.door.watch(folder, isMeant, () => this.changed()),
    );
  }

  private changed(): void {
    if (this.settling) clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settling = null;
      void this.compare();
    }, SETTLE_MS);
  }
}

const isFile = (net: string): boolean => net.endsWith('.safetensors');

/** Where the weights of a net lie that is given as a file, or as a folder; a run's are found later. */
function placesOf(net: string): string[] {
  return isFile(net) ? [path.dirname(net)] : [net, path.join(net, 'unet')];
}
