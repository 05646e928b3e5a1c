import type { RunSummary, TrainingState, TrainingStatus } from '../../src/engine/protocol';
import type { EngineHealth, TrainingAction } from '../protocol';

/** What a run is at, whether this engine trains it or not. Pure. */
export type Phase = TrainingState | 'interrupted' | 'broken' | 'elsewhere' | 'unknown';

export interface Situation {
  readonly summary: RunSummary | null;
  /** The engine's training if it is this run's. */
  readonly status: TrainingStatus | null;
  readonly health: EngineHealth;
}

export function phaseOf({ summary, status, health }: Situation): Phase {
  if (status) return status.state;
  if (!summary) return 'unknown';
  if (summary.status !== 'running') return summary.status;
  if (!summary.isOurs) return 'elsewhere';
  return health.state === 'down' ? 'interrupted' : 'running';
}

const LABELS: Readonly<Record<Phase, string>> = {
  preparing: 'Preparing',
  running: 'Running',
  paused: 'Paused',
  stopping: 'Stopping',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
  interrupted: 'Interrupted',
  broken: 'Unreadable',
  elsewhere: 'Running elsewhere',
  unknown: 'Loading',
};

export function phaseLabel(phase: Phase): string {
  return LABELS[phase];
}

/** How a phase is coloured. */
export function phaseTone(phase: Phase): 'good' | 'busy' | 'warn' | 'bad' | 'calm' {
  switch (phase) {
    case 'running':
    case 'elsewhere':
      return 'good';
    case 'preparing':
    case 'stopping':
      return 'busy';
    case 'paused':
    case 'interrupted':
      return 'warn';
    case 'failed':
    case 'broken':
      return 'bad';
    default:
      return 'calm';
  }
}

/** What can be done now. */
export function allowedActions(situation: Situation): ReadonlySet<TrainingAction> {
  const phase = phaseOf(situation);
  const hasCheckpoint = situation.summary?.checkpoints.some(({ fault }) => fault === null) ?? false;
  const allowed = new Set<TrainingAction>();
  if (phase === 'running') allowed.add('pause');
  if (phase === 'paused') allowed.add('unpause');
  if (phase === 'running' || phase === 'paused' || phase === 'preparing') allowed.add('stop');
  if (phase === 'running' || phase === 'paused') allowed.add('checkpointNow');
  if (hasCheckpoint) allowed.add('sample');
  if (hasCheckpoint && ['stopped', 'failed', 'interrupted'].includes(phase)) allowed.add('resume');
  return allowed;
}

/** The sentence that belongs to a phase, or null. */
export function phaseMessage({ summary, status, health }: Situation): string | null {
  const phase = phaseOf({ summary, status, health });
  const said = status?.message ?? (status ? null : (summary?.message ?? null));
  if (said) return said;
  if (phase === 'elsewhere') return 'Another window or the command line trains this run.';
  if (phase !== 'interrupted') return null;
  return summary?.checkpoints.some(({ fault }) => fault === null)
    ? 'The process that trained this run ended before it was done. Resume goes on from the last checkpoint.'
    : 'The process that trained this run ended before its first checkpoint.';
}
