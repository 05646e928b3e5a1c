import path from 'node:path';
import type * as vscode from 'vscode';
import type { RunHistory } from '../engine/protocol';
import type { EngineHost } from './engine-host';

/**
 * The runs that this window follows. The engine knows one window, and of a run only whether it is
 * followed; here it is known by whom, so that one that leaves ends nothing for the others.
 */
export class FollowedRuns {
  private readonly holders = new Map<string, Set<object>>();

  constructor(
    private readonly engine: EngineHost,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /**
   * Reads a run and follows it until `holder` leaves it; done again, it is read anew.
   *
   * @throws EngineError where it cannot be read: then `holder` has nothing to leave
   */
  async follow(run: string, holder: object): Promise<RunHistory> {
    const holders = this.holdersOf(run);
    const isNew = !holders.has(holder);
    holders.add(holder);
    try {
      return await this.engine.request('follow', { run });
    } catch (error) {
      if (isNew) this.drop(run, holder);
      throw error;
    }
  }

  /** The last that leaves a run ends its following. An engine that is not there is not started for it. */
  leave(run: string, holder: object): void {
    if (!this.drop(run, holder) || this.holders.has(keyOf(run))) return;
    if (this.engine.health.state !== 'up') return;
    this.engine
      .request('unfollow', { run })
      .catch((error: unknown) => this.log.debug(`Leaving ${run}: ${String(error)}`));
  }

  private holdersOf(run: string): Set<object> {
    const key = keyOf(run);
    const holders = this.holders.get(key) ?? new Set();
    this.holders.set(key, holders);
    return holders;
  }

  private drop(run: string, holder: object): boolean {
    const holders = this.holders.get(keyOf(run));
    const isDropped = holders?.delete(holder) ?? false;
    if (holders?.size === 0) this.holders.delete(keyOf(run));
    return isDropped;
  }
}

/** One folder has one key, as the engine has it. */
function keyOf(run: string): string {
  return path.resolve(run);
}
