import type { NoiseSettings } from '../../src/engine/protocol';
import type { NoisingMode } from './model';

/** What the view keeps through hiding and reload. */
export interface NoisingState {
  /** The images, for the host to read again after a reload. */
  readonly paths: readonly string[];
  readonly selected: string | null;
  readonly t: number;
  readonly mode: NoisingMode;
  readonly schedule: NoiseSettings;
  readonly seed: number;
  readonly size: number | null;
  readonly channels: 1 | 3 | null;
  /** The model to look with; null: the first that fits. */
  readonly model: string | null;
}

/** The timestep at the same place in another schedule. */
export function carriedOver(t: number, from: number, to: number): number {
  return from < 2 ? 0 : Math.round((t / (from - 1)) * (to - 1));
}
