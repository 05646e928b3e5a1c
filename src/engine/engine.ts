import path from 'node:path';
import { StoppedError, UserError } from '../core/base/errors';
import { prepareNew, prepareNewFile, prepareReplacing } from '../core/base/output-files';
import { fastestOf, probeDevice, type DeviceReport } from '../core/runtime/devices';
import { DEVICES } from '../core/runtime/runtime';
import { exportDiffusers } from '../core/sample/export-diffusers';
import { exportOnnx } from '../core/sample/export-onnx';
import type { TrainEvent } from '../core/train/events';
import type { Surroundings } from '../core/train/setup';
import { openModel } from '../core/sample/sampling-job';
import type { ComputeThread } from './compute/thread';
import { noise, readImage } from './noising';
import { LONG_ROWS, overviewOf } from './overview';
import { pixelsOf } from './pixels';
import type {
  DevicesResult,
  EngineInfo,
  ExportRequest,
  Frame,
  ResumeRequest,
  RunHistory,
  RunSummary,
  SampleResult,
  SavedFiles,
  TrainingStatus,
  TrainRequest,
} from './protocol';
import { ColumnsCache } from './run/columns-cache';
import { Followers } from './run/followers';
import type { MetricsStore } from './run/metrics-store';
import { previewSteps } from './run/checkpoint-list';
import { readPreviews } from './run/previews';
import { renameRun } from './run/rename';
import { readRecord, RunLister } from './run/run-lister';
import { modelFacts } from './sampling/model-facts';
import { SamplingService } from './sampling/sampling-service';
import { changesOf, configOf, evaluationOf } from './training/training-requests';
import { TrainingService, type TrainingListener } from './training/training-service';
import type { Handlers } from './wire';
import { compareWeights, inspectSafetensors, tensorStatistics } from './weights';
import type { Window, WindowHost } from './window';
import { inWindowWords } from './wording';

/** What the engine does, for all its windows. */
export class Engine implements WindowHost, TrainingListener {
  readonly followers: Followers;
  readonly training = new TrainingService(this);
  readonly windows = new Set<Window>();
  private isEnding = false;
  private hasLeft = false;
  private readonly sampling: SamplingService;
  private readonly lister = new RunLister(() => this.training.status);

  /**
   * @param compute where trainings and samplings run
   * @param shutdown ends the process
   * @param settled told when a window came or went, or a training ended
   */
  constructor(
    readonly token: string,
    private readonly surroundings: Surroundings,
    private readonly compute: ComputeThread,
    private readonly shutdown: () => Promise<void>,
    private readonly settled: () => void,
  ) {
    this.followers = new Followers(
      new ColumnsCache(path.join(surroundings.cacheFolder, 'metrics')),
    );
    this.sampling = new SamplingService(compute);
  }

  info(): EngineInfo {
    const { status } = this.training;
    const training = this.training.isBusy ? status : null;
    return { pid: process.pid, versions: this.surroundings.versions, training };
  }

  /** Whether windows may no longer come. */
  get isOver(): boolean {
    return this.hasLeft;
  }

  /** No training begins any more; one that is in progress ends with a checkpoint. */
  async finishTraining(): Promise<void> {
    this.isEnding = true;
    // A training that fails now has said so in its record.
    if (this.training.isBusy) await this.training.stop();
  }

  /** Tells all windows that the engine ends, and lets them go. */
  async takeLeave(): Promise<void> {
    this.hasLeft = true;
    await Promise.all([...this.windows].map((window) => window.end()));
  }

  greeted(window: Window): void {
    this.windows.add(window);
    this.settled();
  }

  gone(window: Window): void {
    if (this.windows.delete(window)) this.settled();
  }

  changed(): void {
    for (const window of this.windows) {
      window.tell('training', () => ['training', this.training.status!]);
    }
    if (!this.training.isBusy) this.settled();
  }

  async event(event: TrainEvent, run: string | null): Promise<void> {
    if (event.type === 'warning') {
      const message = inWindowWords(event.message);
      for (const window of this.windows) {
        window.tell(`warning ${run} ${message}`, () => ['warning', { run, message }]);
      }
    }
    if (run === null) return;
    switch (event.type) {
      case 'started':
        return this.followers.begin(run);
      case 'metrics':
        return this.followers.addRow(run, event.line);
      case 'evaluation':
        return event.line ? this.followers.addEvaluation(run, event.line) : undefined;
      case 'preview': {
        const { step, images } = event;
        return this.followers.addPreview({ run, step, pixels: pixelsOf(images) });
      }
      case 'checkpoint': {
        const { step, path: place } = event;
        const note = { run, step, path: place };
        for (const window of this.windows) {
          window.tell(`checkpoint ${place}`, () => ['checkpoint', note]);
        }
      }
    }
  }

  async ended(run: string | null): Promise<void> {
    if (run !== null) await this.followers.end(run);
  }

  handlersFor(window: Window): Omit<Handlers, 'hello'> {
    const { training, sampling } = this;
    return {
      train: (request, signal) => this.train(request, signal),
      resume: (request, signal) => this.resume(request, signal),
      pause: () => training.pause(),
      unpause: () => training.unpause(),
      stop: () => training.stop(),
      checkpointNow: () => training.checkpointNow(),
      evaluationCost: ({ samples }) =>
        training.evaluationCost(evaluationOf({ every: 1, samples }).samples),
      evaluateEvery: (request) => training.evaluateEvery(evaluationOf(request)),
      sample: (request, signal) =>
        this.draw(window, signal, (onFrame, stop) => sampling.sample(request, onFrame, stop)),
      denoise: (request, signal) =>
        this.draw(window, signal, (onFrame, stop) => sampling.denoise(request, onFrame, stop)),
      modelFacts: ({ model }) => modelFacts(model),
      frames: (request) => sampling.jobs.frames(request),
      saveSamples: (request) => sampling.jobs.save(request),
      readImage,
      noise,
      devices: (_, signal) => this.devices(AbortSignal.any([signal, window.signal])),
      listRuns: ({ folder }) => this.lister.list(path.resolve(folder)),
      follow: ({ run }) => this.follow(path.resolve(run), window),
      unfollow: ({ run }) => {
        window.unfollow(path.resolve(run));
        return null;
      },
      previews: ({ run, steps }) => readPreviews(path.resolve(run), steps),
      exportModel: (request) => this.exportModel(request),
      inspectSafetensors,
      tensorStatistics,
      compareWeights,
      renameRun: async ({ run, name }) => ({ run: await renameRun(path.resolve(run), name) }),
      shutdown: async () => {
        await this.finishTraining();
        // After the answer, which leaves in this turn.
        setImmediate(() => void this.shutdown());
        return null;
      },
    };
  }

  /** Its last frames reach the window before the result does. */
  private async draw(
    window: Window,
    signal: AbortSignal,
    work: (onFrame: (frame: Frame) => void, stop: AbortSignal) => Promise<SampleResult>,
  ): Promise<SampleResult> {
    const either = AbortSignal.any([signal, window.signal]);
    const result = await work((frame) => window.tellFrame(frame), either);
    await window.told();
    return result;
  }

  private async train(request: TrainRequest, signal: AbortSignal): Promise<TrainingStatus> {
    const config = await configOf(request);
    const runsFolder = path.resolve(request.runsFolder);
    const open = (stop: AbortSignal) => this.compute.train(config, runsFolder, stop);
    return this.start(config.dataset, signal, open);
  }

  private async resume(request: ResumeRequest, signal: AbortSignal): Promise<TrainingStatus> {
    const from = path.resolve(request.from);
    const changes = changesOf(request.changes);
    const open = (stop: AbortSignal) => this.compute.resume(from, changes, stop);
    return this.start(path.basename(from), signal, open);
  }

  /** A request that is cancelled before the first step takes the training along. */
  private async start(
    name: string,
    signal: AbortSignal,
    open: Parameters<TrainingService['start']>[1],
  ): Promise<TrainingStatus> {
    if (signal.aborted) throw new StoppedError('stopped');
    if (this.isEnding) {
      throw new UserError('The engine is ending; start the training again when it has ended.');
    }
    const started = this.training.start(name, open);
    const cancel = () => void this.training.stop().catch(() => undefined);
    signal.addEventListener('abort', cancel);
    return started.finally(() => signal.removeEventListener('abort', cancel));
  }

  private async devices(signal: AbortSignal): Promise<DevicesResult> {
    const { versions } = this.surroundings;
    const reports: DeviceReport[] = [];
    for (const name of DEVICES) {
      reports.push(await probeDevice(name, this.surroundings, { signal }));
    }
    return { reports, auto: fastestOf(reports)?.name ?? null, versions };
  }

  private async follow(run: string, window: Window): Promise<RunHistory> {
    const summary = await this.lister.summary(run);
    const store = await this.followers.add(run, window);
    const history = historyOf(run, summary, store);
    window.follow(run, store);
    // After the answer, which leaves in this turn.
    if (history.columns.step.length < history.rows) setImmediate(() => window.rows(run, 0));
    return history;
  }

  private async exportModel({ model, format, out, replace }: ExportRequest): Promise<SavedFiles> {
    const opened = await openModel(model);
    if (format === 'onnx') {
      const prepare = replace === true ? prepareReplacing : prepareNewFile;
      await prepare('the file', out, '.onnx');
      await exportOnnx(opened, out);
    } else if (format === 'diffusers') {
      await prepareNew('the folder', out);
      await exportDiffusers(opened, out);
    } else {
      throw new UserError(`A model is exported as onnx or diffusers, not as ${String(format)}.`);
    }
    return { out: path.resolve(out) };
  }
}

function historyOf(run: string, summary: RunSummary, store: MetricsStore): RunHistory {
  const { config } = readRecord(run);
  const { rows } = store;
  const columns = rows > LONG_ROWS ? overviewOf(store.view()) : store.copy();
  const { evaluations } = store;
  return { summary, config, columns, rows, evaluations, previewSteps: previewSteps(run) };
}
