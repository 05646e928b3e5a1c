import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  EngineClient,
  EngineError,
  findEngine,
  startEngine,
  type StartedEngine,
} from '../../src/engine/client';
import {
  PROTOCOL_VERSION,
  type EngineFailure,
  type EngineRecord,
  type EngineToHost,
  type Hello,
  type TrainingStatus,
  type TrainRequest,
} from '../../src/engine/protocol';
import { readMetrics } from '../../src/core/checkpoint/metrics';
import { bundle, Scratch } from './bundles';
import { tinySettings } from './tiny-settings';

const ROOT = path.resolve(__dirname, '../..');
const ENTRIES = {
  engine: 'src/engine/main.ts',
  'engine-compute': 'src/engine/compute/main.ts',
  'data-worker': 'src/core/data/worker.ts',
  'device-probe': 'src/core/runtime/probe.ts',
};

/** Images in a step that takes a second and more on one thread of a common processor. */
export const SLOW_BATCH = 96;
const SLOW = { steps: 1_000_000, previewEvery: 0, checkpointEvery: 0 };
const HEAVY = {
  imageSize: 16,
  model: { type: 'unet', blockOutChannels: [32, 64], layersPerBlock: 1, attention: [false, false] },
};

/** The bundled engine, in a folder of its own, and the processes that were started from it. */
export class EngineScratch extends Scratch {
  readonly runs = this.at('runs');
  readonly logFile = this.at('log', 'engine.log');
  readonly recordFile = this.at('state', 'engine.json');
  private readonly started: StartedEngine[] = [];

  static async build(): Promise<EngineScratch> {
    const scratch = new EngineScratch();
    mkdirSync(scratch.at('dist'));
    copyFileSync(path.join(ROOT, 'package.json'), scratch.at('package.json'));
    await Promise.all(
      Object.entries(ENTRIES).map(([name, source]) =>
        bundle(source, scratch.at('dist', `${name}.js`)),
      ),
    );
    return scratch;
  }

  async start(whenWindowCloses: Hello['whenWindowCloses'] = 'stop'): Promise<StartedEngine> {
    const engine = await startEngine({
      engineFile: this.at('dist', 'engine.js'),
      start: { recordFile: this.recordFile, cacheFolder: this.at('cache'), defaultThreads: 1 },
      logFile: this.logFile,
      deadlineMs: 20_000,
      hello: { whenWindowCloses },
    });
    this.started.push(engine);
    return engine;
  }

  /** Starts a program of this code in an engine's place. */
  async startWith(code: string, deadlineMs = 20_000): Promise<StartedEngine> {
    const engineFile = this.at('other.cjs');
    writeFileSync(engineFile, code);
    const engine = await startEngine({
      engineFile,
      start: { recordFile: this.recordFile, cacheFolder: this.at('cache'), defaultThreads: 1 },
      logFile: this.at('log', 'other.log'),
      deadlineMs,
      hello: { whenWindowCloses: 'stop' },
    });
    this.started.push(engine);
    return engine;
  }

  /** Another window on the engine that the record speaks of. */
  async attach(whenWindowCloses: Hello['whenWindowCloses'] = 'stop'): Promise<EngineClient> {
    const { address, token } = (await this.find())!;
    return EngineClient.connect(address, { protocol: PROTOCOL_VERSION, token, whenWindowCloses });
  }

  find(): Promise<EngineRecord | null> {
    return findEngine(this.recordFile);
  }

  /** Ends all engines that still run. */
  async endAll(): Promise<void> {
    for (const { client, pid, exited } of this.started.splice(0)) {
      client.dispose();
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
      await exited;
    }
  }

  settings(
    name: string,
    training: Readonly<Record<string, unknown>> = {},
    other: Readonly<Record<string, unknown>> = {},
  ): string {
    const file = this.at(`${name}.diffusion.json`);
    writeFileSync(file, JSON.stringify({ ...tinySettings({ seed: 5, ...training }), ...other }));
    return file;
  }

  /** A request for a tiny training, but for what is given. */
  request(
    training: Readonly<Record<string, unknown>> = {},
    other: Readonly<Record<string, unknown>> = {},
  ): TrainRequest {
    const configFile = this.settings('tiny', training, other);
    return { configFile, overrides: {}, runsFolder: this.runs };
  }

  /** A request for a training whose steps take a second and more, so that it takes as long to end. */
  slowRequest(batchSize = SLOW_BATCH): TrainRequest {
    return this.request({ ...SLOW, batchSize }, HEAVY);
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }
}

type Told<N extends keyof EngineToHost> = Parameters<EngineToHost[N]>[0];

/** Settles with the first notification that is as wanted. */
export function told<N extends keyof EngineToHost>(
  client: EngineClient,
  notice: N,
  isWanted: (payload: Told<N>) => boolean = () => true,
): Promise<Told<N>> {
  return new Promise((resolve, reject) => {
    const end = client.on(notice, (payload) => {
      if (!isWanted(payload)) return;
      end();
      resolve(payload);
    });
    client.onClosed(() => reject(new Error(`the engine was gone before ${notice} came`)));
  });
}

/** Settles when the training has come to a state. */
export function state(
  client: EngineClient,
  wanted: TrainingStatus['state'],
): Promise<TrainingStatus> {
  return told(client, 'training', (status) => status.state === wanted);
}

/** Why a request failed. */
export async function failureOf(request: Promise<unknown>): Promise<EngineFailure> {
  try {
    await request;
  } catch (error) {
    if (error instanceof EngineError) return error.failure;
    throw error;
  }
  throw new Error('the request did not fail');
}

/** The losses in a run's file, by step. */
export async function lossesOf(run: string): Promise<number[]> {
  const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
  return lines.map(({ loss }) => loss!);
}
