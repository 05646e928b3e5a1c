import type {
  Frame,
  ImagePixels,
  MetricsDelta,
  NoiseSettings,
  PixelBatch,
  Preview,
  RunHistory,
  RunSummary,
  SampleResult,
  TrainingStatus,
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
  | { readonly type: 'metrics'; readonly seq: number; readonly delta: MetricsDelta }
  | { readonly type: 'previews'; readonly previews: readonly Preview[] }
  /** The history of another run, asked for with `overlay`. */
  | { readonly type: 'overlay'; readonly history: RunHistory }
  /** A request of the view that failed, as a sentence. */
  | { readonly type: 'failed'; readonly message: string };

export type TrainingAction = 'pause' | 'unpause' | 'stop' | 'checkpointNow' | 'resume' | 'sample';

export type TrainingToHost =
  | AnyWebviewToHost
  | { readonly type: 'act'; readonly action: TrainingAction }
  | { readonly type: 'wantPreviews'; readonly steps: readonly number[] }
  | { readonly type: 'overlay'; readonly run: string }
  | { readonly type: 'restart' };

// The samples view

/** A model that can be sampled: a checkpoint of a run, or a diffusers folder. */
export interface ModelChoice {
  readonly path: string;
  /** "digits-2026-11-24-1 · step 2,000" */
  readonly label: string;
}

/** What the samples view's controls hold; it survives hiding and reload. */
export interface SampleForm {
  readonly model: string;
  readonly solver: string;
  /** Null: the solver's own default. */
  readonly steps: number | null;
  readonly eta: number;
  readonly seed: number;
  readonly count: number;
}

export interface SolverChoice {
  readonly name: string;
  readonly label: string;
  readonly takesEta: boolean;
}

export type HostToSamples =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      readonly models: readonly ModelChoice[];
      readonly solvers: readonly SolverChoice[];
      /** What the controls start from where the view has no state of its own. */
      readonly form: SampleForm;
      /** The sampling in progress, and its last frame; or the last that ended. */
      readonly job: string | null;
      readonly frame: Frame | null;
      readonly result: SampleResult | null;
      readonly health: EngineHealth;
    }
  | { readonly type: 'models'; readonly models: readonly ModelChoice[] }
  /** Choose this model (and sample from it where `start` says so): from a command. */
  | { readonly type: 'choose'; readonly model: string; readonly start: boolean }
  | { readonly type: 'started'; readonly job: string }
  | { readonly type: 'frame'; readonly seq: number; readonly frame: Frame }
  | { readonly type: 'done'; readonly result: SampleResult }
  | { readonly type: 'stopped'; readonly job: string }
  | { readonly type: 'failed'; readonly job: string | null; readonly message: string }
  | { readonly type: 'saved'; readonly out: string };

export type SamplesToHost =
  | AnyWebviewToHost
  | { readonly type: 'sample'; readonly form: SampleForm }
  | { readonly type: 'cancel' }
  | { readonly type: 'save'; readonly as: 'grid' | 'each' | 'gif' }
  | { readonly type: 'copyCommand'; readonly form: SampleForm };

// The noising view

export type HostToNoising =
  | HostToAnyWebview
  | {
      readonly type: 'hydrate';
      readonly images: readonly ImagePixels[];
      readonly schedule: NoiseSettings;
      readonly seed: number;
      readonly health: EngineHealth;
    }
  | { readonly type: 'image'; readonly image: ImagePixels }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'saved'; readonly out: string };

export type NoisingToHost =
  | AnyWebviewToHost
  | {
      readonly type: 'read';
      readonly path: string;
      readonly size: number;
      readonly channels: 1 | 3;
    }
  | {
      readonly type: 'export';
      readonly path: string;
      readonly size: number;
      readonly channels: 1 | 3;
      readonly schedule: NoiseSettings;
      readonly at: readonly number[];
      readonly seed: number;
    };

/** Pictures travel as in the engine's protocol. */
export type { PixelBatch };
