import { UserError } from '../base/errors';
import { exists } from '../base/files';
import type { RunDirectory } from '../checkpoint/run-directory';
import type { TrainEvent } from './events';
import { pruneCheckpoints } from './pruning';
import { saveVectors, type Standing } from './run-state';
import type { TrainingSetup } from './setup';
import type { Stepper } from './stepper';

/** Writes the checkpoints of a run, and removes those that it is not to keep. */
export class CheckpointWriter {
  /** The step of the last; −1 while there is none. */
  private lastAt = -1;

  /** @param written told after each, before it is pruned */
  constructor(
    private readonly setup: TrainingSetup,
    private readonly directory: RunDirectory,
    private readonly versions: Readonly<Record<string, string>>,
    private readonly written: () => AsyncGenerator<TrainEvent, void, undefined>,
  ) {}

  /** Takes note of one that is there. */
  async find(step: number): Promise<void> {
    if (await exists(this.directory.checkpointPath(step))) this.lastAt = step;
  }

  /** Whether that of a step is written. */
  isAt(step: number): boolean {
    return this.lastAt === step;
  }

  /**
   * One that cannot be written now is tried again at the next, and at the end. One that was
   * asked for is the user's: it is not among those that the run may remove.
   *
   * @throws UserError if the last cannot be written
   */
  async *write(
    stepper: Stepper,
    standing: Standing,
    { last, isAsked = false }: { last: boolean; isAsked?: boolean },
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { step, seconds, loss } = standing;
    if (this.isAt(step)) return;
    const target = this.directory.checkpointPath(step);
    try {
      const vectors = await stepper.read();
      await saveVectors(target, this.setup, vectors, standing, this.versions);
      const others = this.directory.record.checkpoints.filter((each) => each !== step);
      const checkpoints = isAsked ? others : [...others, step];
      await this.directory.update({ progress: { step, seconds, loss }, checkpoints });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (last) throw await this.lastFailed(error);
      const message = `${error.message} Training goes on, and the next checkpoint is tried again.`;
      yield { type: 'warning', message };
      return;
    }
    this.lastAt = step;
    yield* this.written();
    yield { type: 'checkpoint', step, path: target };
    yield* this.prune();
  }

  /** What cannot be removed now is tried again at the next checkpoint. */
  private async *prune(): AsyncGenerator<TrainEvent, void, undefined> {
    try {
      await pruneCheckpoints(this.directory, this.setup.config.training);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      yield { type: 'warning', message: error.message };
    }
  }

  private async lastFailed(cause: UserError): Promise<UserError> {
    const kept = await this.directory.latestCheckpoint();
    const standing = kept
      ? `The run can go on from ${kept.path}`
      : 'The run has no other checkpoint';
    return new UserError(`${cause.message} ${standing}.`);
  }
}
