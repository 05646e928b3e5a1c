import { StoppedError, UserError } from '../../core/base/errors';
import type { StartedEvent, TrainEvent } from '../../core/train/events';
import type { OpenedTraining } from '../compute/thread';
import { failureOf } from '../failures';
import type {
  CheckpointNote,
  EvaluationCost,
  EvaluationRequest,
  TrainingStatus,
} from '../protocol';
import { changesBy, firstStatus } from './training-status';

/** Who is told how a training goes. */
export interface TrainingListener {
  /** The status has changed. */
  changed(): void;
  /** Of every event, before the status changes by it and the next is dealt with. */
  event(event: TrainEvent, run: string | null): Promise<void>;
  /** Has ended, in any way. */
  ended(run: string | null): Promise<void>;
}

/** Opens a training that honours the signal. */
export type OpenTraining = (signal: AbortSignal) => OpenedTraining;

interface Job extends OpenedTraining {
  readonly controller: AbortController;
  started: StartedEvent | null;
  /** Settles when it has ended, in any way. */
  over: Promise<void>;
}

/** The engine's training: one at a time. */
export class TrainingService {
  private job: Job | null = null;
  private current: TrainingStatus | null = null;
  private watchers: (() => void)[] = [];

  constructor(private readonly listener: TrainingListener) {}

  /** The training in progress, or the last that ended; null where there was none. */
  get status(): TrainingStatus | null {
    return this.current && { ...this.current, memory: process.memoryUsage.rss() };
  }

  get isBusy(): boolean {
    return this.job !== null;
  }

  /**
   * Starts a training; settles when its first step is about to be taken.
   *
   * @param name what it is called until it has a folder
   * @throws UserError if another is in progress, or what the training throws before it has begun
   */
  async start(name: string, open: OpenTraining): Promise<TrainingStatus> {
    if (this.current && this.job) {
      throw new UserError(
        `${this.current.name} is being trained here; stop it first, or wait until it has ended.`,
      );
    }
    const controller = new AbortController();
    const job: Job = {
      ...open(controller.signal),
      controller,
      started: null,
      over: Promise.resolve(),
    };
    this.job = job;
    this.current = firstStatus(name);
    this.listener.changed();
    let failure: unknown = null;
    job.over = this.follow(job).catch((error: unknown) => void (failure = error));
    await Promise.race([
      job.over,
      this.until(() => job.started !== null && this.state !== 'preparing'),
    ]);
    if (failure !== null && job.started === null) throw failure;
    return this.status!;
  }

  async pause(): Promise<TrainingStatus> {
    const job = this.live('held');
    job.control.pause();
    await this.until(() => this.job !== job || this.state === 'paused' || !job.control.isHeld);
    if (this.job !== job) throw new UserError('The training ended before it could be held.');
    return this.status!;
  }

  async unpause(): Promise<TrainingStatus> {
    const job = this.live('gone on with');
    job.control.unpause();
    await this.until(() => this.job !== job || this.state !== 'paused');
    return this.status!;
  }

  /** Ends the training with a checkpoint; settles when it has ended. */
  async stop(): Promise<TrainingStatus> {
    const job = this.job;
    if (!job) throw noTraining('stopped');
    this.change({ state: 'stopping' });
    job.controller.abort();
    await job.over;
    return this.status!;
  }

  async checkpointNow(): Promise<CheckpointNote> {
    const job = this.live('saved');
    const { step, path } = await job.control.checkpointNow();
    return { run: job.started!.run, step, path };
  }

  /** @throws UserError if it cannot be told, or no training is in progress */
  evaluationCost(samples: number): Promise<EvaluationCost> {
    return this.live('evaluated').control.evaluationCost(samples);
  }

  /** Settles when it is so. @throws UserError if it cannot be done, or no training is in progress */
  async evaluateEvery({ every, samples }: EvaluationRequest): Promise<TrainingStatus> {
    const job = this.live('evaluated');
    await job.control.evaluate({ every, samples });
    await this.until(() => {
      const now = this.current?.evaluation;
      return this.job !== job || (now?.every === every && now.samples === samples);
    });
    return this.status!;
  }

  private get state(): TrainingStatus['state'] | null {
    return this.current?.state ?? null;
  }

  private live(wanted: string): Job {
    if (!this.job) throw noTraining(wanted);
    if (this.state === 'stopping') throw new UserError('The training is ending already.');
    return this.job;
  }

  /** It has ended, for those who are told, when nothing of it is left to do. */
  private async follow(job: Job): Promise<void> {
    const { signal } = job.controller;
    let outcome: Partial<TrainingStatus> = { state: 'stopped' };
    try {
      for await (const event of job.events) {
        if (event.type === 'started') job.started = event;
        await this.listener.event(event, job.started?.run ?? null);
        const changes = changesBy(event, job.started, signal.aborted, this.current?.evaluation);
        if (event.type === 'done') outcome = changes;
        else this.change(changes);
      }
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      await this.letGo(job);
      this.change(outcome);
    }
  }

  /** Whatever becomes of those who follow it, a training that has ended is in nobody's way. */
  private async letGo(job: Job): Promise<void> {
    try {
      await this.listener.ended(job.started?.run ?? null);
    } catch (error) {
      process.stderr.write(
        `The end of ${this.current?.name} could not be told: ${stackOf(error)}\n`,
      );
    } finally {
      this.job = null;
    }
  }

  private change(changes: Partial<TrainingStatus>): void {
    this.current = { ...this.current!, ...changes };
    this.wake();
    this.listener.changed();
  }

  private wake(): void {
    this.watchers.forEach((watch) => watch());
  }

  /** Settles when a change has made it so. */
  private until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!isSo()) return;
        this.watchers = this.watchers.filter((other) => other !== watch);
        resolve();
      };
      this.watchers.push(watch);
      watch();
    });
  }
}

function noTraining(wanted: string): UserError {
  return new UserError(`There is no training that could be ${wanted}; start or resume one first.`);
}

/** What a training comes to that ended by an error; the log has those that are ours. */
function outcomeOf(error: unknown): Partial<TrainingStatus> {
  if (error instanceof StoppedError) return { state: 'stopped', etaSeconds: null };
  const { kind, message } = failureOf(error);
  if (kind === 'fault') process.stderr.write(`${stackOf(error)}\n`);
  return { state: 'failed', etaSeconds: null, message };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
