import { StoppedError, UserError } from '../base/errors';
import type { HeldOutState, LossTrendState } from '../checkpoint/checkpoint';
import type { MetricsLog } from '../checkpoint/metrics';
import type { RunDirectory } from '../checkpoint/run-directory';
import { openBatches, type Batches } from '../data/batches';
import { CheckpointWriter } from './checkpoint-writer';
import { TrainingClock } from './clock';
import type { TrainingControl } from './control';
import type { TrainEvent } from './events';
import { Divergence } from './divergence';
import { Evaluations } from './evaluations';
import { tellCost } from './evaluation-plan';
import { HeldOutLoss } from './held-out-loss';
import { HeldOutTrend } from './held-out-trend';
import { LossTrend } from './loss-trend';
import type { EvaluationSettings } from './periodic-evaluation';
import { Previewer } from './preview';
import { Pace, residentMegabytes, StepWindow } from './progress';
import { emaDecayAt, learningRate } from './rates';
import type { Surroundings, TrainingSetup } from './setup';
import { Stepper, type StepResult, type TrainingVectors } from './stepper';
import { TolerantLog } from './tolerant-log';

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

/** What takes the steps of a run, and what looks at them. */
interface Parts {
  readonly stepper: Stepper;
  readonly previewer: Previewer;
  readonly heldOutLoss: HeldOutLoss | null;
  readonly evaluations: Evaluations;
  readonly batches: Batches;
}

/** The loop of a run: batches in; steps, metrics, previews and checkpoints out. */
export class TrainingLoop {
  private step = 0;
  private epoch = 0;
  private loss: number | null = null;
  private trend = new LossTrend();
  private heldOut = new HeldOutTrend();
  private clock = new TrainingClock(0);
  private readonly pace = new Pace();
  private readonly divergence = new Divergence();
  private isPaused = false;
  private isEvaluating = false;
  private readonly checkpoints: CheckpointWriter;
  private readonly tolerant = new TolerantLog();

  constructor(
    private readonly setup: TrainingSetup,
    private readonly directory: RunDirectory,
    private readonly log: MetricsLog,
    private readonly surroundings: Surroundings,
    private readonly signal?: AbortSignal,
    private readonly control?: TrainingControl,
  ) {
    const flush = () => this.tolerant.attempt(() => log.flush());
    this.checkpoints = new CheckpointWriter(setup, directory, surroundings.versions, flush);
  }

  /** Training time so far, over all parts of the run, without pauses and evaluations. */
  private get seconds(): number {
    return this.clock.seconds;
  }

  async *run(start: LoopStart): AsyncGenerator<TrainEvent, void, undefined> {
    const { setup } = this;
    const { training, schedule } = setup.config;
    const { runtime, step, diffusion, conditioning } = setup;
    this.step = start.step;
    await this.checkpoints.find(start.step);
    this.trend = new LossTrend(start.lossTrend);
    this.heldOut = new HeldOutTrend(start.heldOut);
    if (this.isStalled()) {
      this.trend.wait(start.step);
      this.heldOut.wait(start.step);
    }
    const { minSnrGamma, weightDecay, seed } = training;
    const options = { runtime, step, ...diffusion, minSnrGamma, weightDecay, seed };
    const { signal } = this;
    const { cacheFolder, workerFile } = this.surroundings;
    const cost = yield* tellCost(options, start.vectors, { setup, cacheFolder, signal });
    const stepper = await Stepper.create(options, start.vectors);
    const evaluations = new Evaluations(setup, stepper.state, cacheFolder, cost, signal);
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
      workerFile,
    });
    this.clock = new TrainingClock(start.seconds);
    try {
      yield* this.steps({ stepper, previewer, heldOutLoss, evaluations, batches });
    } finally {
      await batches.close();
      await evaluations.dispose();
      await heldOutLoss?.dispose();
      await previewer.dispose();
      await stepper.dispose();
    }
  }

  private async *steps(parts: Parts): AsyncGenerator<TrainEvent, void, undefined> {
    const { stepper, previewer, heldOutLoss, evaluations, batches } = parts;
    const { divergence, pace } = this;
    const { training, schedule } = this.setup.config;
    const window = new StepWindow(schedule.timesteps, this.seconds);
    for (;;) {
      yield* this.attend(parts);
      if (this.step >= training.steps || this.endsEarly()) break;
      const before = this.seconds;
      const lr = learningRate(training, this.step);
      const result = await this.takeStep(stepper, batches, lr);
      pace.add(this.seconds - before);
      if (divergence.seenIn(result)) throw await this.diverged();
      window.add(result.loss, result.images);
      yield this.stepEvent(result, lr, evaluations);
      const measured = heldOutLoss && (yield* this.measureHeldOut(heldOutLoss));
      if (this.isDue(training.logEvery) || measured !== null) {
        const line = window.close(this.seconds);
        const { step, epoch, seconds: time } = this;
        const { gradNorm } = result;
        const memory = residentMegabytes();
        const held = heldOutLoss ? { heldOutLoss: measured } : {};
        const entry = { step, epoch, time, lr, gradNorm, ...line, memory, ...held };
        yield { type: 'metrics', line: entry };
        yield* this.tolerant.attempt(() => this.log.append(entry));
      }
      if (this.isDue(training.previewEvery) && this.step < training.steps) {
        yield* this.preview(previewer);
      }
      const isKept = this.isDue(training.checkpointEvery) && !divergence.isNear;
      if (isKept && this.step < training.steps) {
        yield* this.checkpoint(stepper, { last: false });
      }
      const isGoingOn = this.step < training.steps && !divergence.isNear;
      if (isGoingOn && evaluations.isDue(this.step, false)) yield* this.evaluate(parts);
    }
    if (divergence.isNear) throw await this.diverged();
    yield* this.finish(parts);
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

  /** Evaluates the model as it is, off the clock; what is asked meanwhile is attended to. */
  private async *evaluate(parts: Parts): AsyncGenerator<TrainEvent, void, undefined> {
    this.clock.stop();
    this.isEvaluating = true;
    try {
      for await (const event of parts.evaluations.run(this.step, this.seconds)) {
        yield event;
        const line = event.type === 'evaluation' ? event.line : null;
        if (line) yield* this.tolerant.attempt(() => this.log.appendEvaluation(line));
        else if (event.type === 'evaluating') yield* this.attend(parts);
      }
    } finally {
      this.isEvaluating = false;
      this.clock.go();
    }
  }

  /** Between two steps: does what was asked for, and holds while it is to hold. */
  private async *attend(parts: Parts): AsyncGenerator<TrainEvent, void, undefined> {
    const { control, signal } = this;
    if (!control) return;
    const isLast = () => this.step >= this.setup.config.training.steps && !this.isEvaluating;
    while (control.hasWishes && !isLast() && !signal?.aborted) {
      yield* this.evaluationAsked(control, parts.evaluations);
      if (control.wantsCheckpoint) {
        yield* this.checkpointAsked(control, parts.stepper);
        continue;
      }
      if (!control.isHeld) continue;
      if (!this.isPaused) {
        this.isPaused = true;
        this.clock.stop();
        yield { type: 'paused', step: this.step, seconds: this.seconds };
      }
      await control.whileHeld(signal);
    }
    if (!this.isPaused) return;
    this.isPaused = false;
    this.clock.go();
    if (!signal?.aborted) yield { type: 'unpaused', step: this.step, seconds: this.seconds };
  }

  /** Answers what is asked of the evaluation's cost, and takes new settings of it, which the run keeps. */
  private async *evaluationAsked(
    control: TrainingControl,
    evaluations: Evaluations,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { secondsPerStep } = this.pace;
    this.clock.stop();
    await control.answerCost((samples) => evaluations.cost(samples, secondsPerStep));
    this.clock.go();
    let taken: EvaluationSettings | null = null;
    await control.answerPlan(async (settings) => {
      evaluations.check(settings);
      const { config } = this.directory.record;
      const { every: evaluateEvery, samples: evaluateCount } = settings;
      const training = { ...config.training, evaluateEvery, evaluateCount };
      await this.directory.update({ config: { ...config, training } });
      evaluations.change(settings);
      taken = settings;
    });
    if (taken) yield { type: 'evaluationPlan', ...(taken as EvaluationSettings), cost: null };
  }

  private async *checkpointAsked(
    control: TrainingControl,
    stepper: Stepper,
  ): AsyncGenerator<TrainEvent, void, undefined> {
    if (this.divergence.isNear) {
      const message = `The loss is exploding at step ${this.step}, so no checkpoint is written now.`;
      return control.notSaved(new UserError(message));
    }
    for await (const event of this.checkpoint(stepper, { last: false, isAsked: true })) {
      const failed = event.type === 'warning' && !this.checkpoints.isAt(this.step);
      if (failed) control.notSaved(new UserError(event.message));
      yield event;
    }
    const path = this.directory.checkpointPath(this.step);
    if (this.checkpoints.isAt(this.step)) control.saved({ step: this.step, path });
  }

  private isDue(every: number): boolean {
    return every > 0 && this.step % every === 0;
  }

  private endsEarly(): 'stopped' | 'time' | 'stalled' | null {
    if (this.signal?.aborted) return 'stopped';
    const { maxSeconds } = this.setup.config.training;
    if (this.isStalled()) return 'stalled';
    return maxSeconds !== null && this.clock.sitting >= maxSeconds ? 'time' : null;
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

  private stepEvent(result: StepResult, lr: number, evaluations: Evaluations): TrainEvent {
    const { training } = this.setup.config;
    const { step, epoch, seconds, pace, clock } = this;
    const evaluating = evaluations.secondsLeft(step, training.steps);
    const left = (training.steps - step) * pace.secondsPerStep + evaluating;
    const sittingLeft = (training.maxSeconds ?? Infinity) - clock.sitting;
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

  private checkpoint(
    stepper: Stepper,
    how: { last: boolean; isAsked?: boolean },
  ): AsyncGenerator<TrainEvent, void, undefined> {
    const { step, epoch, loss, seconds } = this;
    const [lossTrend, heldOut] = [this.trend.state, this.heldOut.state];
    const standing = { step, epoch, loss, lossTrend, heldOut, seconds };
    return this.checkpoints.write(stepper, standing, how);
  }

  private async *finish(parts: Parts): AsyncGenerator<TrainEvent, void, undefined> {
    const { stepper, previewer, evaluations } = parts;
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
    if (reason !== 'stopped' && evaluations.isDue(this.step, true)) yield* this.evaluate(parts);
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
