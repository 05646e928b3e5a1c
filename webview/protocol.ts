import type {
  EvaluationCost,
  EvaluationRequest,
  Frame,
  FramePart,
  FramesResult,
  ImagePixels,
  MetricsDelta,
  ModelFacts,
  NoiseSettings,
  PixelBatch,
  Preview,
  RunHistory,
  RunSummary,
  ModelClasses,
  ModelSolver,
  SafetensorsSummary,
  SampleRequest,
  SampleResult,
  SaveSamplesRequest,
  TensorStatistics,
  TrainingStatus,
  WeightsComparison,
} from '../src/engine/protocol';

/**
 * What the extension host and the webviews say to each other; types alone. A view says `ready` when it
 * can draw, is answered with `hydrate`, and then gets deltas. Messages that carry a `seq` are
 * acknowledged when they have been drawn: the host holds back the next until then, and keeps the latest
 * alone, so that a slow view slows nothing and grows nothing.
 */

/** Whether the engine can be asked for things. */
export interface EngineHealth {
  readonly state: 'down' | 'starting' | 'up';
  /** Why it is down, in a sentence; null where it was just not needed yet. */
  readonly message: string | null;
}

/** To every view. */
export type HostToAnyWebview = { readonly type: 'engine'; readonly health: EngineHealth };

/** From every view. */
export type AnyWebviewToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'ack'; readonly seq: number }
  /** What the view cannot go on from: for the log. */
  | { readonly type: 'fault'; readonly message: string };

// The training view

export type HostToTraining =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      /** The run's folder; null where none is chosen. */
      readonly run: string | null;
      /** Null while the run is being read, or where no run is chosen. */
      readonly history: RunHistory | null;
      /** The engine's training if it is this run's, else null. */
      readonly status: TrainingStatus | null;
      readonly health: EngineHealth;
      /** Other runs in the same folder, to lay over the curves. */
      readonly others: readonly RunSummary[];
    }
  | { readonly type: 'status'; readonly status: TrainingStatus | null }
  | { readonly type: 'summary'; readonly summary: RunSummary }
  | { readonly type: 'others'; readonly others: readonly RunSummary[] }
  /** Rows of the run, or of one that is laid over. */
  | { readonly type: 'metrics'; readonly seq: number; readonly delta: MetricsDelta }
  | { readonly type: 'previews'; readonly previews: readonly Preview[] }
  /** The history of another run, asked for with `overlay`; what is added later comes as `metrics`. */
  | { readonly type: 'overlay'; readonly history: RunHistory }
  /** The answer to `askEvaluationCost`; null where it could not be measured. */
  | { readonly type: 'evaluationCost'; readonly cost: EvaluationCost | null }
  /** A request of the view that failed, or the reading of its run, as a sentence. */
  | { readonly type: 'failed'; readonly message: string };

export type TrainingAction =
  'train' | 'pause' | 'unpause' | 'stop' | 'checkpointNow' | 'resume' | 'sample';

export type TrainingToHost =
  | AnyWebviewToHost
  | { readonly type: 'act'; readonly action: TrainingAction }
  /** What would an evaluation of the running training cost? */
  | { readonly type: 'askEvaluationCost'; readonly samples: number }
  /** Evaluate the running training every so often, or no more. */
  | { readonly type: 'evaluateEvery'; readonly wish: EvaluationRequest }
  | { readonly type: 'wantPreviews'; readonly steps: readonly number[] }
  | { readonly type: 'overlay'; readonly run: string }
  /** It is not laid over any more. */
  | { readonly type: 'dropOverlay'; readonly run: string }
  | { readonly type: 'restart' };

// The samples view

/** A model that can be sampled: a checkpoint of a run, or a diffusers folder. */
export interface ModelChoice {
  readonly path: string;
  /** "digits-2026-11-24-1 · step 2,000" */
  readonly label: string;
}

/** How a class-conditional model is asked. */
export interface ClassForm {
  /** Classes in turn; null: all of them. */
  readonly names: readonly string[] | null;
  readonly guidance: number;
  /** 0 … 1. */
  readonly rescale: number;
  /** In place of names and guidance, each of these classes at each of these scales, of one noise. */
  readonly grid: { readonly names: readonly string[]; readonly scales: readonly number[] } | null;
}

/** Settings that only some solvers take; what is left out is as the model's folder says. */
export type SolverForm = Pick<
  SampleRequest,
  'order' | 'bh' | 'karras' | 'skipPrk' | 'threshold' | 'thresholdMax'
>;

/** What the samples view's controls hold; it survives hiding and reload. */
export interface SampleForm {
  readonly model: string;
  /** Null: as the model's folder says. */
  readonly solver: NonNullable<SampleRequest['solver']> | null;
  /** Null: the solver's own default. */
  readonly steps: number | null;
  readonly eta: number;
  readonly seed: number;
  readonly count: number;
  /** Null: as the model's folder says. */
  readonly spacing: SampleRequest['spacing'] | null;
  /** Null: as the model's folder says; of the ddpm solver alone. */
  readonly variance: SampleRequest['variance'] | null;
  /** Of these, only what the solver takes. */
  readonly own?: SolverForm;
  /** Left out for a model without classes, or one of which nothing is known yet. */
  readonly classes?: ClassForm;
}

/** One sampling of the view: of several, each is a row under the same noise. */
export interface SampleRow {
  readonly job: string;
  readonly form: SampleForm;
  readonly state: 'waiting' | 'running' | 'done' | 'stopped' | 'failed';
  /** Why it failed, in a sentence. */
  readonly message: string | null;
  /** While it runs: its last step. */
  readonly frame: Frame | null;
  readonly result: SampleResult | null;
}

/** What a command asks of the view once it is shown. */
export interface SamplesWish {
  /** More than one: compare them under the same noise. */
  readonly models: readonly string[];
  /** Sample at once. */
  readonly start: boolean;
}

/** What the samples view needs to know of a model; null each, where it cannot be read. */
export interface SampledModelFacts {
  /** Null for a model without, too. */
  readonly classes: ModelClasses | null;
  /** Its T, which bounds the steps. */
  readonly timesteps: number | null;
  readonly solver: ModelSolver | null;
}

export type HostToSamples =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      /** Null while they are being looked for. */
      readonly models: readonly ModelChoice[] | null;
      /** What the controls start from where the view has no state of its own. */
      readonly form: SampleForm;
      /** The samplings in progress, or the last that ended. */
      readonly rows: readonly SampleRow[];
      readonly wish: SamplesWish | null;
      readonly health: EngineHealth;
    }
  | { readonly type: 'models'; readonly models: readonly ModelChoice[] }
  /** What a model that was asked about is like. */
  | ({ readonly type: 'facts'; readonly model: string } & SampledModelFacts)
  | { readonly type: 'wish'; readonly wish: SamplesWish }
  /** Whether a sampling has begun that has drawn nothing yet: what is shown stays until then. */
  | { readonly type: 'trying'; readonly isTrying: boolean }
  /** New samplings take the place of those shown. */
  | { readonly type: 'rows'; readonly rows: readonly SampleRow[] }
  /** A sampling is in another state. */
  | { readonly type: 'row'; readonly row: SampleRow }
  | { readonly type: 'frame'; readonly seq: number; readonly frame: Frame }
  /** Steps that were asked for with `frames`. */
  | { readonly type: 'frames'; readonly frames: FramesResult }
  /** They are no longer to be had. */
  | { readonly type: 'framesGone'; readonly job: string; readonly message: string }
  /** A dropped file, as it is on the disk. */
  | { readonly type: 'dropped'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string };

export type SamplesToHost =
  | AnyWebviewToHost
  /** A model was chosen: what is it like? */
  | { readonly type: 'askFacts'; readonly model: string }
  /** One after the other, in this order. */
  | { readonly type: 'sample'; readonly forms: readonly SampleForm[] }
  | { readonly type: 'cancel' }
  | {
      readonly type: 'frames';
      readonly job: string;
      readonly part: FramePart;
      readonly steps: readonly number[];
    }
  | {
      readonly type: 'save';
      readonly job: string;
      readonly as: SaveSamplesRequest['as'];
      /** The image that is saved as `one`, from 0. */
      readonly index?: number;
    }
  | { readonly type: 'copyCommand'; readonly form: SampleForm }
  /** A file of the editor was dropped on the view. */
  | { readonly type: 'readDropped'; readonly uri: string }
  /** Choose a saved picture on the disk; it comes as `dropped`. */
  | { readonly type: 'pickPicture' }
  /** Choose a model's folder on the disk. */
  | { readonly type: 'browse' }
  | { readonly type: 'train' };

// The noising view

/** An image of the noising view. */
export interface NoisingImage {
  readonly path: string;
  /** Its file name. */
  readonly label: string;
  /** As it was asked for with `read`; null: as the image is. */
  readonly size: number | null;
  readonly channels: 1 | 3 | null;
  /** Null while it is being read, and where it cannot be. */
  readonly pixels: PixelBatch | null;
  /** The image's own size, of which the pixels show the middle square; null as they are. */
  readonly source: ImagePixels['source'] | null;
  /** Why it cannot be read, in a sentence. */
  readonly message: string | null;
}

/** A model, weighed against the image that is noised. */
export interface NoisingModelChoice extends ModelChoice {
  /** Its run's name, or its folder's: checkpoints of one run take the same images. */
  readonly group: string;
  /** Null where it cannot be read. */
  readonly facts: ModelFacts | null;
  /** Why it cannot be read, in a sentence. */
  readonly message: string | null;
}

/** A step on the way back to an image. */
export interface DenoisedStep {
  readonly step: number;
  /** The timestep that was denoised. */
  readonly t: number;
  /** After the step. */
  readonly xt: PixelBatch;
  /** The clean image as the model saw it in the step. */
  readonly x0: PixelBatch;
}

export type HostToNoising =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      readonly images: readonly NoisingImage[];
      readonly schedule: NoiseSettings;
      readonly seed: number;
      readonly health: EngineHealth;
    }
  | { readonly type: 'image'; readonly image: NoisingImage }
  /** Null while they are being looked for. */
  | { readonly type: 'models'; readonly models: readonly NoisingModelChoice[] | null }
  /** A folder that was chosen: the model to look with. */
  | { readonly type: 'chosen'; readonly model: string }
  /** The clean image as the model sees it, to `denoise` of a glance. */
  | { readonly type: 'seen'; readonly ask: number; readonly x0: PixelBatch }
  /** How far a way back is. */
  | {
      readonly type: 'denoising';
      readonly seq: number;
      readonly ask: number;
      readonly frame: Frame;
    }
  | {
      readonly type: 'denoised';
      readonly ask: number;
      readonly steps: readonly DenoisedStep[];
      readonly seconds: number;
      /** "cpu, 3 threads" */
      readonly device: string;
    }
  /** Null: it was stopped, or another took its place. */
  | { readonly type: 'notDenoised'; readonly ask: number; readonly message: string | null }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'failed'; readonly message: string };

export type NoisingToHost =
  | AnyWebviewToHost
  /**
   * glance: the model's prediction at t alone; way: the whole reverse process from t. One that is asked
   * for takes the place of the last of its kind.
   */
  | {
      readonly type: 'denoise';
      readonly ask: number;
      readonly what: 'glance' | 'way';
      readonly model: string;
      /** `[C, H, W]`. */
      readonly xt: Float32Array;
      readonly shape: readonly [number, number, number];
      readonly t: number;
      readonly schedule: NoiseSettings;
      readonly seed: number;
    }
  /** Ends the way back. */
  | { readonly type: 'stopDenoising' }
  /** Choose a model's folder on the disk. */
  | { readonly type: 'browse' }
  | { readonly type: 'train' }
  | {
      readonly type: 'read';
      readonly path: string;
      /** Null: the image's own, at most 128. */
      readonly size: number | null;
      /** Null: as the image is. */
      readonly channels: 1 | 3 | null;
    }
  | {
      readonly type: 'export';
      readonly as: 'png' | 'gif';
      readonly path: string;
      readonly size: number;
      readonly channels: 1 | 3;
      readonly schedule: NoiseSettings;
      readonly at: readonly number[];
      readonly seed: number;
    };

// The editor of safetensors files

/** A comparison of the file that is shown (a) with another. */
export interface ShownComparison {
  /** How the other is called. */
  readonly other: string;
  /** Null while it is under way, and where it failed. */
  readonly result: WeightsComparison | null;
  /** Why it failed, in a sentence. */
  readonly message: string | null;
}

export type HostToSafetensors =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      readonly path: string;
      readonly label: string;
      /** Null while the file is being read. */
      readonly summary: SafetensorsSummary | null;
      readonly comparison: ShownComparison | null;
    }
  | { readonly type: 'summary'; readonly summary: SafetensorsSummary }
  /** The file cannot be read: why, and whether trying again may help. */
  | { readonly type: 'unreadable'; readonly message: string; readonly canRetry: boolean }
  | {
      readonly type: 'statistics';
      readonly tensor: string;
      readonly statistics: TensorStatistics;
    }
  | { readonly type: 'notMeasured'; readonly tensor: string; readonly message: string }
  /** Null: none is shown any more. */
  | { readonly type: 'comparison'; readonly comparison: ShownComparison | null };

export type SafetensorsToHost =
  | AnyWebviewToHost
  /** Reads the file anew. */
  | { readonly type: 'again' }
  /** Takes the place of a measuring that is under way. */
  | { readonly type: 'measure'; readonly tensor: string }
  /** The host asks with which. */
  | { readonly type: 'compare' }
  | { readonly type: 'endComparison' };

/** Pictures travel as in the engine's protocol. */
export type { PixelBatch };
