import type { EvaluationCost } from '../core/base/evaluation-cost';
import type { WeightsComparison } from '../core/checkpoint/compare-weights';
import type { EvaluationLine } from '../core/checkpoint/evaluation-line';
import type { SafetensorsSummary } from '../core/checkpoint/inspect';
import type { RunStatus } from '../core/checkpoint/run-directory';
import type { TensorStatistics } from '../core/checkpoint/tensor-statistics';
import type { ScheduleConfig } from '../core/config/training-config';
import type { SkippedFile } from '../core/data/source';
import type { Bh, Order, SolverName, Variance } from '../core/diffusion/solvers';
import type { Spacing } from '../core/diffusion/spacing';
import type { TerminalCheck } from '../core/diffusion/terminal-check';
import type { DeviceReport } from '../core/runtime/devices';
import type { ResumeChanges } from '../core/train/run-state';

export type {
  EvaluationCost,
  EvaluationLine,
  SafetensorsSummary,
  TensorStatistics,
  WeightsComparison,
};

/**
 * What windows and the engine say to each other. Types and a few constants alone: importing this file
 * loads nothing of the core.
 */

/** Raised with every change that an older window or engine could not follow. */
export const PROTOCOL_VERSION = 8;

/** Longest rate at which progress, metrics and frames are sent, a second: what a screen can show. */
export const MOST_UPDATES_A_SECOND = 15;

/** What a window asks of the engine. Every request settles: with its result or an {@link EngineFailure}. */
export interface HostToEngine {
  /** The first request of a connection; any other before it is refused. */
  hello(request: Hello): EngineInfo;
  /** Starts a run. Settles when its folder is made and its first step is about to be taken. */
  train(request: TrainRequest): TrainingStatus;
  /** Goes on with a run, or from one of its checkpoints. Settles as {@link HostToEngine.train}. */
  resume(request: ResumeRequest): TrainingStatus;
  /** Holds the training before its next step; settles when it is held. */
  pause(): TrainingStatus;
  /** Lets a held training go on. */
  unpause(): TrainingStatus;
  /** Ends the training with a checkpoint; settles when it has ended. */
  stop(): TrainingStatus;
  /** Writes a checkpoint after the step that is being taken, also while held. */
  checkpointNow(): CheckpointNote;
  /** What an evaluation of the training in progress would take, as it is measured between two of its steps. */
  evaluationCost(request: { readonly samples: number }): EvaluationCost;
  /** The training in progress evaluates every so many steps from now on, or with 0 no more; its run keeps that. */
  evaluateEvery(request: EvaluationRequest): TrainingStatus;
  /** Draws images; its frames come as `frame` notifications. Cancellable. */
  sample(request: SampleRequest): SampleResult;
  /**
   * Goes on with the reverse process from noised images. Frames, kept steps and result are as those of
   * a sampling. Cancellable.
   */
  denoise(request: DenoiseRequest): SampleResult;
  /** What images a model takes, and by which noise. */
  modelFacts(request: { readonly model: string }): ModelFacts;
  /** Steps of a sampling, in progress or ended, as far as they are still kept. */
  frames(request: FramesRequest): FramesResult;
  /** Writes the images of a finished sampling to files. */
  saveSamples(request: SaveSamplesRequest): SavedFiles;
  /** Reads an image as the noising view shows it: square, small, in [0, 255]. */
  readImage(request: ReadImageRequest): ImagePixels;
  /** The forward process on an image, at the timesteps asked for. */
  noise(request: NoiseRequest): NoiseResult;
  /** Tries every device for real. Cancellable. */
  devices(): DevicesResult;
  /** All runs in a folder, the newest first; an absent folder has none. */
  listRuns(request: { readonly folder: string }): readonly RunSummary[];
  /**
   * The metrics of a run so far; what is added later comes as `metrics` until `unfollow`. Of a long run
   * the answer holds an overview, and all rows follow as `metrics`, piece by piece.
   */
  follow(request: { readonly run: string }): RunHistory;
  unfollow(request: { readonly run: string }): null;
  /** Previews of a run as pixels, for the steps asked for that are there. */
  previews(request: {
    readonly run: string;
    readonly steps: readonly number[];
  }): readonly Preview[];
  /** Writes a model for other programs. */
  exportModel(request: ExportRequest): SavedFiles;
  /** What a safetensors file holds, by its header, and whether diffusers would load its folder. */
  inspectSafetensors(request: { readonly path: string }): SafetensorsSummary;
  /** What the numbers of one tensor of a safetensors file are like. Cancellable. */
  tensorStatistics(request: { readonly path: string; readonly tensor: string }): TensorStatistics;
  /**
   * In which tensors two nets differ: each a safetensors file, a run (its latest checkpoint), a checkpoint or
   * a diffusers folder. A file that is one of several of a net stands for the whole. Cancellable.
   */
  compareWeights(request: { readonly a: string; readonly b: string }): WeightsComparison;
  /** Gives a run another name; its folder is renamed. */
  renameRun(request: { readonly run: string; readonly name: string }): { readonly run: string };
  /** Training ends with a checkpoint, and then the process. */
  shutdown(): null;
}

/** What the engine tells its windows. Coalesced to {@link MOST_UPDATES_A_SECOND}, the latest winning. */
export interface EngineToHost {
  /** The training changed, or is further. */
  training(status: TrainingStatus): void;
  /** Rows of a followed run's metrics. */
  metrics(delta: MetricsDelta): void;
  /** A followed run drew a preview. */
  preview(preview: Preview): void;
  /** A checkpoint was written by this engine. */
  checkpoint(note: CheckpointNote): void;
  /** One step of a sampling. The last step of each batch is always sent. */
  frame(frame: Frame): void;
  /** The last word: the engine ends in order, as it was asked to or because nobody needs it. */
  ending(nothing: null): void;
  /** Something the user should know that ends nothing. */
  warning(warning: { readonly run: string | null; readonly message: string }): void;
}

export interface Hello {
  readonly protocol: number;
  /** Proves that the window may command this engine. */
  readonly token: string;
  /** What to do with a training when the last window is gone. */
  readonly whenWindowCloses: 'stop' | 'continue';
}

export interface EngineInfo {
  readonly pid: number;
  readonly versions: Readonly<Record<string, string>>;
  /** The training in progress, or null. */
  readonly training: TrainingStatus | null;
}

/** Why a request failed. Travels as the `data` of a JSON-RPC error. */
export interface EngineFailure {
  /**
   * user: `message` is a sentence that says what is wrong and the way out; stopped: it was cancelled
   * or stopped on purpose; fault: ours, with `detail` for the log; gone: the engine ended.
   */
  readonly kind: 'user' | 'stopped' | 'fault' | 'gone';
  readonly message: string;
  readonly detail?: string;
}

export interface TrainRequest {
  /** `quick`, `small` or `base`; left out: as the settings file says, else schema defaults. */
  readonly preset?: string;
  /** A settings file (`*.diffusion.json`); relative data sets in it are beside it. */
  readonly configFile?: string;
  /** Laid over both, in the command line's flat names: `dataset`, `steps`, `imageSize`, `device`, … */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** New runs are made there. */
  readonly runsFolder: string;
}

export interface ResumeRequest {
  /** A run, or a checkpoint in one. */
  readonly from: string;
  readonly changes: ResumeChanges;
}

export interface EvaluationRequest {
  /** Steps; 0 for never. */
  readonly every: number;
  readonly samples: number;
}

/** How a training is evaluated. */
export interface EvaluationStatus extends EvaluationRequest {
  /** As it was measured before the training's first step; null where it was not. */
  readonly cost: EvaluationCost | null;
  /** What is being done, and how far it is, 0 … 1; null while nothing is evaluated. */
  readonly running: { readonly what: string; readonly share: number } | null;
}

export type TrainingState =
  /** The data set is read, the device opened, the graph compiled. */
  'preparing' | 'running' | 'paused' | 'stopping' | 'finished' | 'stopped' | 'failed';

/** Where the engine's training stands. */
export interface TrainingStatus {
  readonly state: TrainingState;
  /** The run's folder; null until it is made. */
  readonly run: string | null;
  /** The folder's name, or what it learns from until there is one. */
  readonly name: string;
  /** Progress of the preparation; `total` 0 while it is not known. */
  readonly preparing: {
    readonly what: string;
    readonly done: number;
    readonly total: number;
  } | null;
  /** Steps done and asked for. */
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number | null;
  readonly lr: number | null;
  readonly gradNorm: number | null;
  readonly imagesPerSecond: number | null;
  readonly stepsPerSecond: number | null;
  /** Training time so far, without pauses. */
  readonly seconds: number;
  readonly etaSeconds: number | null;
  /** "cpu, 3 threads"; empty until it is chosen. */
  readonly device: string;
  /** Why this device and no other. */
  readonly deviceReason: string;
  /** One line on the data set. */
  readonly dataset: string;
  /** Files that were left out of it; null where there are none, or it is not read yet. */
  readonly skipped: SkippedFiles | null;
  /** Numbers in the model. */
  readonly parameters: number | null;
  /** Resident memory of the engine, in bytes. */
  readonly memory: number;
  readonly lastCheckpoint: CheckpointNote | null;
  /** Null until the training has begun. */
  readonly evaluation: EvaluationStatus | null;
  /** Why it failed or ended early, in a sentence. */
  readonly message: string | null;
}

export interface SkippedFiles {
  /** The last part of the data set's path. */
  readonly from: string;
  readonly count: number;
  /** The first of them, at most 5. */
  readonly first: readonly SkippedFile[];
}

export interface CheckpointNote {
  readonly run: string;
  readonly step: number;
  readonly path: string;
}

/** A run as the tree shows it. */
export interface RunSummary {
  readonly path: string;
  readonly name: string;
  /** `running` where a live process trains it; `interrupted` where the record says so but none does. */
  readonly status: RunStatus | 'interrupted' | 'broken';
  /** Whether it is this engine that trains it. */
  readonly isOurs: boolean;
  /** Why it failed, or why `run.json` cannot be read. */
  readonly message: string | null;
  /** Milliseconds since 1970; of the folder where the record cannot be read. */
  readonly createdAt: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number | null;
  readonly seconds: number;
  /** Steps from which it was gone on with, in order. */
  readonly resumedAt: readonly number[];
  /** The data set as it was given, the device, the model: for the tooltip. */
  readonly dataset: string;
  readonly device: string;
  /** What images can be asked for by; null for a model without classes, or where it is not known. */
  readonly classes: ClassesBrief | null;
  /** The newest first. */
  readonly checkpoints: readonly CheckpointSummary[];
  /** The newest preview picture, or null. */
  readonly preview: string | null;
}

/** The classes of a class-conditional model, of which there may be thousands. */
export interface ClassesBrief {
  readonly count: number;
  /** Names of the first, at most 8. */
  readonly first: readonly string[];
}

export interface CheckpointSummary {
  readonly path: string;
  readonly step: number;
  readonly loss: number | null;
  readonly epoch: number | null;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  /** Bytes on the disk. */
  readonly size: number;
  /** Why it cannot be used, in a sentence; null for a whole one. */
  readonly fault: string | null;
  /** The preview picture of this step, or the nearest before it; null if none is there. */
  readonly preview: string | null;
}

/** Metrics as columns of equal length; NaN where a line has no value. */
export interface MetricsColumns {
  readonly step: Float64Array;
  /** Seconds of training. */
  readonly time: Float64Array;
  readonly epoch: Float32Array;
  readonly loss: Float32Array;
  readonly lr: Float32Array;
  readonly gradNorm: Float32Array;
  readonly imagesPerSecond: Float32Array;
  /** Resident memory of the process that trained, in MB. */
  readonly memory: Float32Array;
  /** On held-out images; NaN in rows of steps at which it was not measured. */
  readonly heldOutLoss: Float32Array;
  /** Row-major `[rows, timestepParts]`: mean loss by parts of the timesteps, the least noised first. */
  readonly lossByTimestep: Float32Array;
  readonly timestepParts: number;
}

/**
 * Rows from row `from` on, which replace those that a reader has. Behind them the run has `left` rows:
 * what a reader has beyond is gone.
 */
export interface MetricsDelta {
  readonly run: string;
  readonly from: number;
  readonly columns: MetricsColumns;
  /** Rows that are still to be told. */
  readonly left: number;
  /** All evaluations of the run, in order, where they are others than before. */
  readonly evaluations?: readonly EvaluationLine[];
}

/** Everything that a training view shows of a run. */
export interface RunHistory {
  readonly summary: RunSummary;
  /** The run's configuration as in `run.json`; null if that cannot be read. */
  readonly config: unknown;
  readonly columns: MetricsColumns;
  /** Rows of the run. Where the columns have fewer, they are the telling ones: all follow as `metrics`. */
  readonly rows: number;
  /** What was found by evaluations in its course, in order. */
  readonly evaluations: readonly EvaluationLine[];
  /** Steps of the previews that are there, in order. */
  readonly previewSteps: readonly number[];
}

/** Images as 8-bit pixels, `[count, height, width, channels]` row-major, C = 1 or 3. */
export interface PixelBatch {
  readonly data: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A preview: the same noise, drawn with the weights of a step. */
export interface Preview {
  readonly run: string;
  readonly step: number;
  readonly pixels: PixelBatch;
}

/** How to go back from noise; a setting that the solver does not take is refused. */
export interface SolverRequest {
  /** Left out: the model's own, but ddim for ddpm. */
  readonly solver?: SolverName;
  /** Left out: the solver's default. */
  readonly steps?: number;
  readonly eta?: number;
  readonly variance?: Variance;
  /** This and what follows, left out: as the model's folder says. */
  readonly order?: Order;
  readonly bh?: Bh;
  /** Noise levels after Karras et al. */
  readonly karras?: boolean;
  /** PNDM without its Runge-Kutta start. */
  readonly skipPrk?: boolean;
  /** Dynamic thresholding at this quantile of x0, above 0 and up to 1; and its largest value. */
  readonly threshold?: number;
  readonly thresholdMax?: number;
}

export interface SampleRequest extends SolverRequest {
  /** The window's own name for this sampling; frames carry it. */
  readonly job: string;
  /** A run (its latest checkpoint), a checkpoint or a diffusers folder. */
  readonly model: string;
  readonly count: number;
  readonly seed: number;
  readonly spacing?: Spacing;
  /** Names of the images' classes, in turn; left out: all classes in turn. */
  readonly classes?: readonly string[];
  /** Guidance of the images, in turn; left out: the default, where the model can be guided. */
  readonly guidance?: number | readonly number[];
  /** 0 … 1; left out: 0. */
  readonly guidanceRescale?: number;
  /** Draws every image from one noise. */
  readonly sameNoise?: boolean;
  /** `auto`, `cpu`, `webgpu`, …; and CPU threads. */
  readonly device: string;
  readonly threads?: number;
}

/** Noised images, and how to bring them back. */
export interface DenoiseRequest extends SolverRequest {
  /** As that of a sampling, whose name it takes the place of. */
  readonly job: string;
  readonly model: string;
  /** x_t, as {@link DenoiseRequest.shape} says, row-major. */
  readonly xt: Float32Array;
  /** `[N, C, H, W]`: what the model takes; N = 1 … 64. */
  readonly shape: readonly [number, number, number, number];
  /** The timestep that they were noised to, 0 … T−1. */
  readonly t: number;
  /** By which they were noised: the noise has to be the model's at every timestep. */
  readonly schedule: NoiseSettings;
  readonly seed: number;
  /** 1 … t + 1; left out: the solver's default. One step of ddim is the model's prediction at t. */
  readonly steps?: number;
  readonly device: string;
  readonly threads?: number;
}

/** The classes of a class-conditional model. */
export interface ModelClasses {
  readonly names: readonly string[];
  /** Whether it has a null class, which guidance needs. */
  readonly canGuide: boolean;
}

/** The solver that a model is drawn with where none is asked for. */
export interface ModelSolver {
  /** The scheduler that the model's folder names; null for one that is not known here. */
  readonly own: SolverName | null;
  /** That one, but ddim in place of ddpm, and of one that is not known. */
  readonly taken: SolverName;
}

/** What a model was made for. */
export interface ModelFacts {
  readonly model: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly schedule: NoiseSettings;
  readonly solver: ModelSolver;
  /** Left out for a model without class labels. */
  readonly classes?: ModelClasses;
}

export interface Frame {
  readonly job: string;
  /** Number of the first image in it. */
  readonly first: number;
  /** 1 … steps. */
  readonly step: number;
  readonly steps: number;
  /** The timestep that was denoised. */
  readonly t: number;
  /** Share of the whole sampling that is done, 0 … 1. */
  readonly progress: number;
  readonly xt: PixelBatch;
  /** The clean images as the model sees them at this step. */
  readonly x0: PixelBatch;
}

/**
 * xt: the images after a step; x0: the clean images as predicted in it; eps: the noise as predicted in
 * it, of which −3 … 3 fills the pixels' range.
 */
export type FramePart = 'xt' | 'x0' | 'eps';

export interface FramesRequest {
  readonly job: string;
  readonly part: FramePart;
  /** Steps that are wanted, 1 … ; those that are not kept are left out of the answer. */
  readonly steps: readonly number[];
}

/** The first images of a sampling (one batch) at some of its steps. */
export interface FramesResult {
  readonly job: string;
  readonly part: FramePart;
  readonly frames: readonly KeptFrame[];
  /** Every step that is kept, in order: all, or evenly thinned out where they would be very large. */
  readonly kept: readonly { readonly step: number; readonly t: number }[];
}

export interface KeptFrame {
  readonly step: number;
  /** The timestep that was denoised. */
  readonly t: number;
  readonly pixels: PixelBatch;
}

export interface SampleResult {
  readonly job: string;
  readonly images: PixelBatch;
  /** The settings as resolved; also what a saved picture carries. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly device: string;
  readonly deviceReason: string;
  /** From the first step to the last. */
  readonly seconds: number;
  readonly warnings: readonly string[];
}

export interface SaveSamplesRequest {
  readonly job: string;
  /** One PNG grid, one image as a PNG, a folder of all as PNGs, or an animation of the steps. */
  readonly as: 'grid' | 'one' | 'each' | 'gif';
  /** The image that is saved as `one`, from 0. */
  readonly index?: number;
  readonly out: string;
  /** The user has agreed that a file that is there is replaced, whatever it is. Default false. */
  readonly replace?: boolean;
}

export interface SavedFiles {
  readonly out: string;
}

export interface ReadImageRequest {
  readonly path: string;
  /** Side in pixels; left out: the image's, at most 128. */
  readonly size?: number;
  readonly channels?: 1 | 3;
}

export interface ImagePixels {
  readonly path: string;
  readonly pixels: PixelBatch;
  /** The image's own size as it is seen, of which the pixels show the middle square. */
  readonly source: { readonly width: number; readonly height: number };
}

export type NoiseSettings = Omit<ScheduleConfig, 'prediction'>;

export interface NoiseRequest {
  readonly image: ReadImageRequest;
  readonly schedule: NoiseSettings;
  /** Timesteps, 0 … T−1. */
  readonly at: readonly number[];
  readonly seed: number;
  /** Write the stages in a row to this PNG, or one after another to this GIF, by the file's ending. */
  readonly out?: string;
  /** As in {@link SaveSamplesRequest}. */
  readonly replace?: boolean;
}

export interface NoiseResult {
  /** One image a timestep. */
  readonly strip: PixelBatch;
  readonly stages: readonly NoiseStage[];
  readonly terminal: TerminalCheck;
}

export interface NoiseStage {
  readonly t: number;
  readonly sqrtAlphaBar: number;
  readonly sqrtOneMinusAlphaBar: number;
  /** −Infinity where nothing of the image is left. */
  readonly snrDb: number;
}

export interface DevicesResult {
  readonly reports: readonly DeviceReport[];
  /** What `auto` takes; null if no device works. */
  readonly auto: string | null;
  readonly versions: Readonly<Record<string, string>>;
}

export interface ExportRequest {
  readonly model: string;
  readonly format: 'onnx' | 'diffusers';
  /** A file that ends in .onnx, or a new folder. */
  readonly out: string;
  /** As in {@link SaveSamplesRequest}, for a file; a folder is never replaced. */
  readonly replace?: boolean;
}

/** How a forked engine is told where to listen and who may speak: the first message of its parent. */
export interface EngineStart {
  /** A Unix socket's path or a Windows pipe's name. */
  readonly address: string;
  readonly token: string;
  /** Written when it listens, removed when it ends: how a later window finds it. */
  readonly recordFile: string;
  /** Decoded data sets are kept there. */
  readonly cacheFolder: string;
  /** CPU threads where a request does not say. */
  readonly defaultThreads: number;
}

/** `EngineStart.recordFile`: a running engine, for the next window. Readable by its user alone. */
export interface EngineRecord {
  readonly protocol: number;
  readonly pid: number;
  /** The machine that it runs on; others may share the disk. */
  readonly host: string;
  readonly address: string;
  readonly token: string;
}
