import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { TrainEvent } from '../../src/core/train/events';
import type { Surroundings } from '../../src/core/train/setup';
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
