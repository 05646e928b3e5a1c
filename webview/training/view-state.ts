import type { Range } from '../shared/range';

/** What the x axis counts. */
export type XAxis = 'step' | 'time' | 'epoch';

/** What the view keeps when it is hidden or the window is loaded again. */
export interface ViewState {
  /** The run's folder: the host opens the view again with it. */
  readonly run: string | null;
  readonly xAxis: XAxis;
  readonly isLog: boolean;
  /** Lines that the smoothed curve averages over: a power of two, by its exponent; 0 is none. */
  readonly smoothing: number;
  /** What is zoomed in to, in units of the x axis; null for all. */
  readonly zoom: Range | null;
  /** Runs that are laid over. */
  readonly overlays: readonly string[];
  /** The preview that is looked at; null for the newest. */
  readonly previewStep: number | null;
  /** Names of the charts that are shown as tables. */
  readonly tables: readonly string[];
  readonly isComparing: boolean;
}

export const FIRST_STATE: ViewState = {
  run: null,
  xAxis: 'step',
  isLog: true,
  smoothing: 4,
  zoom: null,
  overlays: [],
  previewStep: null,
  tables: [],
  isComparing: false,
};

/** The state for a run: what belongs to a run alone starts anew with another. */
export function stateFor(run: string | null, kept: Partial<ViewState> | undefined): ViewState {
  const state = { ...FIRST_STATE, ...kept };
  if (state.run === run) return state;
  const { zoom, overlays, previewStep } = FIRST_STATE;
  return { ...state, run, zoom, overlays, previewStep };
}
