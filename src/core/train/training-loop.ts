import { StoppedError, UserError } from '../base/errors';
import { exists } from '../base/files';
import type { HeldOutState, LossTrendState } from '../checkpoint/checkpoint';
import type { MetricsLog } from '../checkpoint/metrics';
import type { RunDirectory } from '../checkpoint/run-directory';
import { openBatches, type Batches } from '../data/batches';
import type { TrainingControl } from './control';
import type { TrainEvent } from './events';
import { Divergence } from './divergence';
import { HeldOutLoss } from './held-out-loss';
import { HeldOutTrend } from './held-out-trend';
import { LossTrend } from './loss-trend';
import { Previewer } from './preview';
import { Pace, residentMegabytes, StepWindow } from './progress';
import { pruneCheckpoints } from './pruning';
import { emaDecayAt, learningRate } from './rates';
import { saveVectors } from './run-state';
import type { Surroundings, TrainingSetup } from './setup';
import { Stepper, type StepResult, type TrainingVectors } from './stepper';

export interface LoopStart {
  readonly vectors: TrainingVectors;
  /** Steps done. */
  readonly step: number;
  readonly seconds: number;
  /** Of the checkpoint that the run goes on from; null for a new run. */
  readonly lossTrend: LossTrendState | null;
  /** As `lossTrend`, of the held-out loss. */
  readonly heldOut: HeldOutState | null;
}

/** The loop of a run: batches in; steps, metrics, previews and checkpoints out. */
export class TrainingLoop {
  private step = 0;
  private epoch = 0;
  private loss: number | null = null;
  private trend = new LossTrend();
  private heldOut = new HeldOutTrend();
  private secondsBefore = 0;
  private startedAt = 0;
  /** When it was held, on the clock of `startedAt`; null while it is not. */
  private heldAt: number | null = null;
  /** The step of the last checkpoint; −1 while there is none. */
  private checkpointAt = -1;
  private logFails = false;

  constructor(
    private readonly setup: TrainingSetup,
    private readonly directory: RunDirectory,
    private readonly log: MetricsLog,
    private readonly surroundings: Surroundings,
    private readonly signal?: AbortSignal,
    private readonly control?: TrainingControl,
  ) {}

  /** Training time so far, over all parts of the run, without pauses. */
  private get seconds(): number {
    const now = this.heldAt ?? performance.now() / 1000;
    return this.secondsBefore + now - this.startedAt;
  }

  async *run(start: LoopStart): AsyncGenerator<TrainEvent, void, undefined> {
    const { setup } = this;
    const { training, schedule } = setup.config;
    this.step = start.step;
    if (await exists(this.directory.checkpointPath(start.step))) this.checkpointAt = start.step;
    this.secondsBefore = start.seconds;
    this.trend = new LossTrend(start.lossTrend);
    this.heldOut = new HeldOutTrend(start.heldOut);
    if (this.isStalled()) {
      this.trend.wait(start.step);
      this.heldOut.wait(start.step);
    }
    const stepper = await Stepper.create(
      {
        runtime: setup.runtime,
        step: setup.step,
        schedule: setup.diffusion.schedule,
        prediction: setup.diffusion.prediction,
        minSnrGamma: training.minSnrGamma,
        weightDecay: training.weightDecay,
        seed: training.seed,
      },
      start.vectors,
    );
    const { runtime, step, diffusion, conditioning } = setup;
    const previewer = new Previewer(runtime, step, stepper, diffusion, training, conditioning);
    const heldOutLoss = setup.config.holdOut > 0 ? new HeldOutLoss(setup, stepper) : null;
    const batches = openBatches({
      source: setup.source,
      batchSize: training.batchSize,
      timesteps: schedule.timesteps,
      seed: training.seed,
      horizontalFlip: setup.config.horizontalFlip,
      holdOut: setup.config.holdOut,
      noiseOffset: training.noiseOffset,
      classDropout: setup.config.classes ? training.classDropout : 0,
      firstIndex: start.step * training.accumulate,
      workerFile: this.surroundings.workerFile,
    });
    try {
      yield* this.steps(stepper, previewer, heldOutLoss, batches);
    } finally {
      await batches.close();
      await heldOutLoss?.dispose();
      await previewer.dispose();
      await stepper.dispose();
    }
  }

  private async *steps(
    stepper: Stepper,
    previewer: Previewer,
    heldOutLoss: HeldOutLoss | null,
    batches: Batches,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { training, schedule } = this.setup.config;
    this.startedAt = performance.now() / 1000;
    const window = new StepWindow(schedule.timesteps, this.seconds);
    const divergence = new Divergence();
    const pace = new Pace();
    for (;;) {
      yield* this.attend(stepper, divergence);
      if (this.step >= training.steps || this.endsEarly()) break;
      const before = this.seconds;
      const lr = learningRate(training, this.step);
      const result = await this.takeStep(stepper, batches, lr);
      pace.add(this.seconds - before);
      if (divergence.seenIn(result)) throw await this.diverged();
      window.add(result.loss, result.images);
      yield this.stepEvent(result, lr, pace);
      const measured = heldOutLoss && (yield* this.measureHeldOut(heldOutLoss));
      if (this.isDue(training.logEvery) || measured !== null) {
        const line = window.close(this.seconds);
        const { step, epoch, seconds: time } = this;
        const { gradNorm } = result;
        const memory = residentMegabytes();
        const held = heldOutLoss ? { heldOutLoss: measured } : {};
        const entry = { step, epoch, time, lr, gradNorm, ...line, memory, ...held };
        yield { type: 'metrics', line: entry };
        yield* this.logging(() => this.log.append(entry));
      }
      if (this.isDue(training.previewEvery) && this.step < training.steps) {
        yield* this.preview(previewer);
      }
      const isKept = this.isDue(training.checkpointEvery) && !divergence.isNear;
      if (isKept && this.step < training.steps) {
        yield* this.checkpoint(stepper, { last: false });
      }
    }
    if (divergence.isNear) throw await this.diverged();
    yield* this.finish(stepper, previewer);
  }

  /** Null where nothing is due, or nothing could be measured. */
  private async *measureHeldOut(
    heldOutLoss: HeldOutLoss,
  ): AsyncGenerator<TrainEvent, number | null, undefined> {
    if (!this.isDue(this.setup.config.training.heldOutEvery)) return null;
    try {
      const loss = await heldOutLoss.measure();
      this.heldOut.add(this.step, loss);
      return loss;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      yield { type: 'warning', message: `The held-out loss was not measured: ${error.message}` };
      return null;
    }
  }

  /** Between two steps: writes the checkpoint that was asked for, and holds while it is to hold. */
  private async *attend(
    stepper: Stepper,
    divergence: Divergence,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { control, signal } = this;
    if (!control) return;
    const isLast = () => this.step >= this.setup.config.training.steps;
    while ((control.isHeld || control.wantsCheckpoint) && !isLast() && !signal?.aborted) {
      if (control.wantsCheckpoint) {
        yield* this.checkpointAsked(control, stepper, divergence);
        continue;
      }
      if (this.heldAt === null) {
        this.heldAt = performance.now() / 1000;
        yield { type: 'paused', step: this.step, seconds: this.seconds };
      }
      await control.whileHeld(signal);
    }
    if (this.heldAt === null) return;
    this.startedAt += performance.now() / 1000 - this.heldAt;
    this.heldAt = null;
    if (!signal?.aborted) yield { type: 'unpaused', step: this.step, seconds: this.seconds };
  }

  private async *checkpointAsked(
    control: TrainingControl,
    stepper: Stepper,
    divergence: Divergence,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    if (divergence.isNear) {
      const message = `The loss is exploding at step ${this.step}, so no checkpoint is written now.`;
      return control.notSaved(new UserError(message));
    }
    for await (const event of this.checkpoint(stepper, { last: false, isAsked: true })) {
      const failed = event.type === 'warning' && this.checkpointAt !== this.step;
      if (failed) control.notSaved(new UserError(event.message));
      yield event;
    }
    const path = this.directory.checkpointPath(this.step);
    if (this.checkpointAt === this.step) control.saved({ step: this.step, path });
  }

  private isDue(every: number): boolean {
    return every > 0 && this.step % every === 0;
  }

  private endsEarly(): 'stopped' | 'time' | 'stalled' | null {
    if (this.signal?.aborted) return 'stopped';
    const { maxSeconds } = this.setup.config.training;
    if (this.isStalled()) return 'stalled';
    const sitting = this.seconds - this.secondsBefore;
    return maxSeconds !== null && sitting >= maxSeconds ? 'time' : null;
  }

  /** Whether patience is at its end: with held-out images their loss decides, else the smoothed one. */
  private isStalled(): boolean {
    const { holdOut, training } = this.setup.config;
    const { patience } = training;
    if (patience === null) return false;
    return holdOut > 0
      ? this.heldOut.isStalled(patience)
      : this.trend.isStalled(this.step, patience);
  }

  private async takeStep(stepper: Stepper, batches: Batches, lr: number): Promise<StepResult> {
    const { training } = this.setup.config;
    const taken = [];
    for (let i = 0; i < training.accumulate; i++) taken.push(await batches.next());
    const decay = emaDecayAt(training, this.step + 1);
    const result = await stepper.run(taken, this.step + 1, lr, decay);
    this.step++;
    this.epoch = (this.step * training.accumulate * training.batchSize) / this.setup.images;
    this.loss = result.loss;
    this.trend.add(this.step, result.loss);
    taken.forEach((batch) => batches.recycle(batch));
    return result;
  }

  private stepEvent(result: StepResult, lr: number, pace: Pace): TrainEvent {
    const { training } = this.setup.config;
    const { step, epoch, seconds } = this;
    const left = (training.steps - step) * pace.secondsPerStep;
    const sittingLeft =
      training.maxSeconds === null ? Infinity : training.maxSeconds - seconds + this.secondsBefore;
    return {
      type: 'step',
      step,
      steps: training.steps,
      epoch,
      loss: result.loss,
      lr,
      gradNorm: result.gradNorm,
      imagesPerSecond: (training.batchSize * training.accumulate) / pace.secondsPerStep,
      seconds,
      etaSeconds: Math.max(0, Math.min(left, sittingLeft)),
    };
  }

  private async *preview(previewer: Previewer): AsyncGenerator<TrainEvent, void, undefined> {
    const file = this.directory.samplePath(this.step);
    try {
      const images = await previewer.draw(file, this.signal);
      yield { type: 'preview', step: this.step, path: file, images };
    } catch (error) {
      if (error instanceof StoppedError) return;
      if (!(error instanceof UserError)) throw error;
      yield { type: 'warning', message: `The preview was left out: ${error.message}` };
    }
  }

  /**
   * A checkpoint that cannot be written now is tried again at the next, and at the end. One that was
   * asked for is the user's: it is not among those that the run may remove.
   */
  private async *checkpoint(
    stepper: Stepper,
    { last, isAsked = false }: { last: boolean; isAsked?: boolean },
  ): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.checkpointAt === this.step) return;
    const target = this.directory.checkpointPath(this.step);
    const standing = {
      step: this.step,
      epoch: this.epoch,
      loss: this.loss,
      lossTrend: this.trend.state,
      heldOut: this.heldOut.state,
      seconds: this.seconds,
    };
    try {
      const vectors = await stepper.read();
      await saveVectors(target, this.setup, vectors, standing, this.surroundings.versions);
      const { step, seconds, loss } = standing;
      const others = this.directory.record.checkpoints.filter((each) => each !== step);
      const checkpoints = isAsked ? others : [...others, step];
      await this.directory.update({ progress: { step, seconds, loss }, checkpoints });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (last) throw await this.lastCheckpointFailed(error);
      const message = `${error.message} Training goes on, and the next checkpoint is tried again.`;
      yield { type: 'warning', message };
      return;
    }
    this.checkpointAt = this.step;
    yield* this.logging(() => this.log.flush());
    yield { type: 'checkpoint', step: this.step, path: target };
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

  private async lastCheckpointFailed(cause: UserError): Promise<UserError> {
    const kept = await this.directory.latestCheckpoint();
    const standing = kept
      ? `The run can go on from ${kept.path}`
      : 'The run has no other checkpoint';
    return new UserError(`${cause.message} ${standing}.`);
  }

  /** Lines that cannot be written now are kept and written later; said once, until it goes again. */
  private async *logging(write: () => Promise<void>): AsyncGenerator<TrainEvent, void, undefined> {
    try {
      await write();
      this.logFails = false;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (!this.logFails) {
        yield { type: 'warning', message: `${error.message} Metrics are kept and tried again.` };
      }
      this.logFails = true;
    }
  }

  private async *finish(
    stepper: Stepper,
    previewer: Previewer,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { training, holdOut } = this.setup.config;
    const reason = this.step >= training.steps ? 'finished' : this.endsEarly()!;
    const { seconds } = this;
    const messages = {
      finished: null,
      stopped: null,
      time: `Stopped as asked after ${training.maxSeconds} seconds (maxSeconds).`,
      stalled: `Ended as asked: the ${holdOut > 0 ? 'held-out' : 'smoothed'} loss had not fallen for ${training.patience} steps (patience).`,
    };
    yield* this.checkpoint(stepper, { last: true });
    const path = this.directory.checkpointPath(this.step);
    this.control?.saved({ step: this.step, path });
    if (reason !== 'stopped' && training.previewEvery > 0) yield* this.preview(previewer);
    await this.directory.update({
      status: reason === 'finished' || reason === 'stalled' ? 'finished' : 'stopped',
      message: messages[reason],
      progress: { step: this.step, seconds, loss: this.loss },
    });
    yield {
      type: 'done',
      reason,
      run: this.directory.path,
      steps: this.step,
      seconds,
      loss: this.loss,
    };
  }

  private async diverged(): Promise<UserError> {
    const { lr } = this.setup.config.training;
    const good = await this.directory.latestCheckpoint();
    const wayBack = good
      ? `the last good checkpoint is ${good.path}, from which --resume goes on with another --lr`
      : 'there was no checkpoint yet';
    return new UserError(
      `The loss exploded at step ${this.step}: lower the learning rate (--lr, now ${lr}), ` +
        `or make the warm-up longer (--warmup-steps); ${wayBack}.`,
    );
  }
}
