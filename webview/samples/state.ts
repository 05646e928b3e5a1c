import type { FramePart } from '../../src/engine/protocol';
import type { SampleForm } from '../protocol';

/** What the view keeps through hiding and reload. */
export interface SamplesState {
  readonly form: SampleForm;
  /** Samplings to compare, each a row under the same noise. */
  readonly compared: readonly SampleForm[];
  readonly part: FramePart;
  /** Where the scrubber stands; null: at the end. */
  readonly position: number | null;
  readonly enlarged: { readonly job: string; readonly index: number } | null;
  /** Paths of the models sampled, by the fingerprint of their weights: the newest last. */
  readonly weights: Readonly<Record<string, string>>;
}

const MOST_WEIGHTS = 50;

/** Notes where weights lie, and forgets the oldest of many. */
export function withWeights(
  weights: SamplesState['weights'],
  fingerprint: unknown,
  model: string,
): SamplesState['weights'] {
  if (typeof fingerprint !== 'string') return weights;
  const others = Object.entries(weights).filter(([each]) => each !== fingerprint);
  return Object.fromEntries([...others, [fingerprint, model]].slice(-MOST_WEIGHTS));
}
