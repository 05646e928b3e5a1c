import type { DeviceState, Runtime } from '../runtime/runtime';
import { createLiveDenoiser, type Denoiser } from '../sample/denoiser';
import { STATE, type TrainingStepSettings } from './training-step';

export interface LiveDenoiserRequest {
  /** Images at once. */
  readonly batchSize: number;
  /** What is computed, and what to do where memory is short. */
  readonly label: string;
  readonly remedy: string;
}

/** The model that a training would keep now: its average where there is one, else its parameters. */
export function liveDenoiser(
  runtime: Runtime,
  { model, layout, ema }: Pick<TrainingStepSettings, 'model' | 'layout' | 'ema'>,
  state: DeviceState,
  request: LiveDenoiserRequest,
): Promise<Denoiser> {
  const vector = ema ? STATE.ema : STATE.params;
  return createLiveDenoiser(runtime, model, layout, { ...request, state, vector });
}
