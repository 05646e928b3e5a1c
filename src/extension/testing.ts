import type { TrainingStatus } from '../engine/protocol';

/** A training that runs, for tests; what matters to one is laid over it. */
export function trainingStatus(changes: Partial<TrainingStatus> = {}): TrainingStatus {
  return {
    state: 'running',
    run: '/w/runs/digits-1',
    name: 'digits-1',
    preparing: null,
    step: 1200,
    steps: 2000,
    epoch: 1.92,
    loss: 0.04234,
    lr: 1e-3,
    gradNorm: 0.5,
    imagesPerSecond: 218,
    stepsPerSecond: 6.81,
    seconds: 176,
    etaSeconds: 118,
    device: 'cpu, 3 threads',
    deviceReason: 'webgpu: no GPU',
    dataset: 'built-in digits',
    parameters: 280_000,
    memory: 351_000_000,
    skipped: null,
    lastCheckpoint: null,
    evaluation: null,
    message: null,
    ...changes,
  };
}
