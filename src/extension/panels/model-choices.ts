import path from 'node:path';
import type { ModelChoice } from '../../../webview/protocol';
import type { RunSummary } from '../../engine/protocol';
import { formatCount } from '../format';

/**
 * The models that the samples view offers: the whole checkpoints of all runs, the newest first, and
 * before them what was chosen elsewhere. A chosen run stands for its newest checkpoint.
 *
 * @param chosen paths of runs, checkpoints or diffusers folders
 */
export function modelChoices(
  runs: readonly RunSummary[],
  chosen: readonly string[],
): ModelChoice[] {
  const known = runs.flatMap(({ name, checkpoints }) =>
    checkpoints
      .filter(({ fault }) => fault === null)
      .map((each) => ({ path: each.path, label: `${name} · step ${formatCount(each.step)}` })),
  );
  const others = chosen.filter(
    (one) => !known.some((choice) => choice.path === one) && !runs.some((run) => run.path === one),
  );
  return [
    ...[...new Set(others)].map((one) => ({ path: one, label: path.basename(one) })),
    ...known,
  ];
}

/** The checkpoint that a run stands for; any other path is itself. */
export function checkpointOf(runs: readonly RunSummary[], model: string): string {
  const run = runs.find((each) => each.path === model);
  return run?.checkpoints.find(({ fault }) => fault === null)?.path ?? model;
}
