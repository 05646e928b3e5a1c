import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { startEngine, type StartedEngine } from '../../src/engine/client/start';
import { DIST, note, startOurs, type Bench } from '../shared';
import { stepSettingsOf } from '../case-files';
import { CASES } from '../cases';
import { median, medianRatio } from '../statistics';
import { trainingRequest } from './training';

/** Milliseconds a step of the quick preset, by what is around the step. */
export interface EngineCost {
  /** The step alone, its batches in memory. */
  readonly bare: number;
  /** The step, and the thread that makes its batches. */
  readonly fed: number;
  /** A training in the engine, which a window follows. */
  readonly engine: number;
  /** What the engine takes beyond the step alone, of its time. */
  readonly overBare: number;
  /** What it takes beyond the step and its batches. */
  readonly overFed: number;
  readonly rounds: {
    readonly bare: readonly number[];
    readonly fed: readonly number[];
    readonly engine: readonly number[];
  };
}

const QUICK = CASES[0]!;
/** What a turn takes, in seconds. */
const TURN = 1.5;
const STEPS = 1_000_000;

/**
 * All three by turns, who begins changing, with as many threads, equally calm and at the same priority.
 * The log is written; checkpoints and previews, which a run has by its own settings, are not.
 */
export async function measureEngine(bench: Bench): Promise<EngineCost> {
  note('engine');
  const { options, folder } = bench;
  const side = await startOurs(options, folder, 'calm');
  const engine = await start(bench);
  const keepAlive = setInterval(() => undefined, 1000);
  try {
    const { job: bare } = await side.open(await trainingRequest(bench, QUICK, null));
    const settings = stepSettingsOf(QUICK);
    const { job: fed } = await side.open({ kind: 'fed-training', case: QUICK.id, settings });
    const run = async (job: number, iterations: number) =>
      (await side.ask({ do: 'run', job, iterations })).seconds / iterations;
    await train(bench, engine);
    await trainFor(engine, TURN);
    const iterations = Math.max(1, Math.round(TURN / (await run(bare, 10))));
    await run(fed, 10);
    const turns = [
      () => run(bare, iterations),
      () => trainFor(engine, TURN),
      () => run(fed, iterations),
    ];
    const seconds: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < options.rounds; round++) {
      for (let i = 0; i < turns.length; i++) {
        const at = (i + round) % turns.length;
        seconds[at]!.push(await turns[at]!());
      }
    }
    return costOf({ bare: seconds[0], engine: seconds[1], fed: seconds[2] });
  } finally {
    await side.end();
    await engine.client
      .request('shutdown', undefined)
      .catch(() => process.kill(engine.pid, 'SIGKILL'));
    await engine.exited;
    clearInterval(keepAlive);
  }
}

function costOf(seconds: EngineCost['rounds']): EngineCost {
  const { bare, fed, engine } = seconds;
  const milliseconds = (values: readonly number[]) => values.map((value) => value * 1000);
  return {
    bare: median(bare) * 1000,
    fed: median(fed) * 1000,
    engine: median(engine) * 1000,
    overBare: medianRatio(engine, bare) - 1,
    overFed: medianRatio(engine, fed) - 1,
    rounds: {
      bare: milliseconds(bare),
      fed: milliseconds(fed),
      engine: milliseconds(engine),
    },
  };
}

function start({ options, folder }: Bench): Promise<StartedEngine> {
  return startEngine({
    engineFile: path.join(DIST, 'engine.js'),
    start: {
      recordFile: path.join(folder, 'engine.json'),
      cacheFolder: path.join(folder, 'cache'),
      defaultThreads: options.threads,
    },
    logFile: path.join(folder, 'engine.log'),
    deadlineMs: 60_000,
    hello: { whenWindowCloses: 'stop' },
  });
}

/** Begins the training, follows it, and holds it. */
async function train({ options, folder }: Bench, { client }: StartedEngine): Promise<void> {
  const configFile = path.join(folder, 'engine.diffusion.json');
  const training = { ...QUICK.settings.training, steps: STEPS, checkpointEvery: 0 };
  const settings = {
    ...QUICK.settings,
    threads: options.threads,
    training: { ...training, previewEvery: 0 },
  };
  await writeFile(configFile, JSON.stringify(settings));
  const runsFolder = path.join(folder, 'runs');
  const { run } = await client.request('train', { configFile, overrides: {}, runsFolder });
  await client.request('follow', { run: run! });
  await client.request('pause', undefined);
}

/** Lets the training go on for a while. @returns seconds a step, by the training's own clock */
async function trainFor({ client }: StartedEngine, seconds: number): Promise<number> {
  const before = await client.request('unpause', undefined);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await client.request('pause', undefined);
  return (after.seconds - before.seconds) / (after.step - before.step);
}
