import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { RunDirectory } from '../../src/core/checkpoint/run-directory';
import type { TrainingConfig } from '../../src/core/config/training-config';
import type { TrainEvent } from '../../src/core/train/events';
import type { ResumeChanges } from '../../src/core/train/run-state';
import type { Surroundings } from '../../src/core/train/setup';
import { resume, train, type TrainOptions } from '../../src/core/train/trainer';
import { bundle, Scratch } from './bundles';

/** A folder with what the trainer needs besides a configuration. */
export class TrainingScratch extends Scratch {
  readonly runs = this.at('runs');
  readonly surroundings: Surroundings = {
    cacheFolder: this.at('cache'),
    workerFile: this.at('data-worker.js'),
    probeFile: this.at('device-probe.js'),
    defaultThreads: 1,
    versions: { 'diffusion-lab': 'test' },
  };

  async prepare(): Promise<void> {
    await bundle('src/core/data/worker.ts', this.surroundings.workerFile);
  }

  options(config: TrainingConfig, out?: string, signal?: AbortSignal): TrainOptions {
    const { runs: runsFolder, surroundings } = this;
    return { config, out, runsFolder, surroundings, signal };
  }

  start(config: TrainingConfig, out?: string, signal?: AbortSignal) {
    return train(this.options(config, out, signal));
  }

  goOn(from: string, changes: ResumeChanges = {}, signal?: AbortSignal, out?: string) {
    return resume({ from, changes, surroundings: this.surroundings, signal, out });
  }

  /** Trains until the step, then asks for a stop. */
  async stoppedAt(step: number, config: TrainingConfig, out: string): Promise<Events> {
    const controller = new AbortController();
    return collect(this.start(config, out, controller.signal), (event) => {
      if (event.type === 'step' && event.step === step) controller.abort();
    });
  }
}

type EventOf<T extends TrainEvent['type']> = Extract<TrainEvent, { type: T }>;

/** The events of a run by kind. */
export class Events {
  constructor(readonly all: readonly TrainEvent[]) {}

  of<T extends TrainEvent['type']>(type: T): EventOf<T>[] {
    return this.all.filter((event): event is EventOf<T> => event.type === type);
  }

  /** Step and loss of each step. */
  get losses(): Map<number, number> {
    return new Map(this.of('step').map(({ step, loss }) => [step, loss]));
  }

  get run(): string {
    return this.of('started')[0]!.run;
  }
}

/** All events of a training; `watch` sees each as it comes. */
export async function collect(
  training: AsyncIterable<TrainEvent>,
  watch: (event: TrainEvent) => void = () => undefined,
): Promise<Events> {
  const events: TrainEvent[] = [];
  for await (const event of training) {
    events.push(event);
    watch(event);
  }
  return new Events(events);
}

/** Every file below a folder, by its path there, as a hash. */
export function hashes(folder: string, keep: RegExp = /./): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return new Map(
    names
      .filter((name) => keep.test(name) && statSync(path.join(folder, name)).isFile())
      .map((name) => {
        const bytes = readFileSync(path.join(folder, name));
        return [name, createHash('sha256').update(bytes).digest('hex')];
      }),
  );
}

/** What `run.json` says. */
export async function recordOf(run: string) {
  return (await RunDirectory.open(run)).record;
}
