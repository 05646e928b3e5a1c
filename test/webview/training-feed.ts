import type { TrainingStatus } from '../../src/engine/protocol';
import {
  pathOf,
  syntheticHistory,
  syntheticRows,
  syntheticStatus,
  syntheticSummary,
} from '../../webview/feeds/synthetic';
import type { HostToTraining } from '../../webview/protocol';

export const RUN = { name: 'digits-2026-11-24-1', steps: 400, seed: 1, done: 200 };
export const OTHER = { name: 'digits-2026-11-23-1', steps: 300, seed: 2, lr: 1e-3 };

export function hydrate(
  run: typeof RUN,
  changes: Partial<Extract<HostToTraining, { type: 'hydrate' }>> = {},
): HostToTraining {
  return {
    type: 'hydrate',
    run: pathOf(run),
    history: syntheticHistory(run),
    status: null,
    health: { state: 'up', message: null },
    others: [syntheticSummary(OTHER)],
    ...changes,
  };
}

export const training = (changes: Partial<TrainingStatus> = {}) => syntheticStatus(RUN, changes);
export const live = () => hydrate(RUN, { status: training() });

/** Rows of the run from one step to another, as the host sends them. */
export function metrics(seq: number, from: number, to: number, left = 0): HostToTraining {
  const delta = { run: pathOf(RUN), from, columns: syntheticRows(RUN, from, to), left };
  return { type: 'metrics', seq, delta };
}
