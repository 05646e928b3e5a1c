import type { RunSummary } from '../engine/protocol';
import { formatCount } from './format';

/**
 * What becomes of the training that the last window has left behind. wait: this cannot be told or
 * offered yet; forget: there is nothing to offer; finished, resume: that is to be told.
 */
export type Sequel = 'wait' | 'forget' | 'finished' | 'resume';

/** What a window knows of its last training. */
export interface LastTraining {
  /** The run as it is now; undefined where it is not listed. */
  readonly summary: Pick<RunSummary, 'status' | 'step' | 'steps'> | undefined;
  /** Whether all runs could be read. */
  readonly isRead: boolean;
  readonly isTrusted: boolean;
}

export function sequelOf({ summary, isRead, isTrusted }: LastTraining): Sequel {
  if (!summary) return isRead ? 'forget' : 'wait';
  switch (summary.status) {
    case 'running':
      return 'wait';
    case 'finished':
      return 'finished';
    case 'failed':
    case 'broken':
      return 'forget';
    case 'interrupted':
    case 'stopped':
      if (summary.step >= summary.steps) return 'forget';
      return isTrusted ? 'resume' : 'wait';
    default:
      return summary.status satisfies never;
  }
}

/** What became of a training that can be gone on with: the middle of a sentence about it. */
export function howItEnded({
  status,
  step,
  message,
}: Pick<RunSummary, 'status' | 'step' | 'message'>): string {
  if (status !== 'stopped') return `was interrupted at step ${formatCount(step)}`;
  // A run that stops for a reason of its own, such as its limit of time, says so.
  const why = message === null ? ' when its window closed' : '';
  return `was stopped at step ${formatCount(step)}${why}`;
}
