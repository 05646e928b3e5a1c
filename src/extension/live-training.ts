import type { TrainingStatus } from '../engine/protocol';

const LIVE = ['preparing', 'running', 'paused', 'stopping'] as const;

/** What a training that is under way may be: preparing, running, held or ending. */
export type LiveState = (typeof LIVE)[number];

export type LiveTraining = TrainingStatus & { readonly state: LiveState };

export function isLiveState(state: string): state is LiveState {
  return (LIVE as readonly string[]).includes(state);
}

/** Whether a training is under way. */
export function isLive(status: TrainingStatus | null): status is LiveTraining {
  return status !== null && isLiveState(status.state);
}
