import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Of the engine's time: what telling windows may take. */
export const MOST_SHARE = 0.02;

const ROOT = path.resolve(import.meta.dirname, '../..');
const ENGINE = path.join(ROOT, 'dist', 'engine.js');
/** Ticks of a processor's time in a second, as Linux counts them for programs. */
const TICKS = 100;

/** A training of many steps a second: more to tell than any real one has. */
const SETTINGS = {
  dataset: 'digits',
  imageSize: 8,
  device: 'cpu',
  model: { type: 'unet', blockOutChannels: [8, 8], layersPerBlock: 1, attention: [false, false] },
  schedule: { timesteps: 50 },
  training: {
    steps: 1_000_000,
    batchSize: 4,
    previewCount: 4,
    previewSteps: 5,
    previewEvery: 500,
    checkpointEvery: 0,
  },
};

/**
 * The processor time of the engine's main thread, where all streaming is done, with a window that
 * follows the training and without one, by turns. Null where the system does not tell it.
 *
 * @param {number} minutes in all
 */
export async function measureEngine(minutes) {
  if (process.platform !== 'linux') {
    process.stderr.write('The share of the engine is measured on Linux alone.\n');
    return null;
  }
  if (!existsSync(ENGINE)) {
    process.stderr.write('error: dist/engine.js is not there; run npm run build first.\n');
    process.exit(2);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-bench-'));
  try {
    return await measureIn(folder, (minutes * 60_000) / TURNS.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const TURNS = ['alone', 'followed', 'alone', 'followed'];

async function measureIn(folder, milliseconds) {
  const { EngineClient, startEngine } = await client(folder);
  const recordFile = path.join(folder, 'engine.json');
  const engine = await startEngine({
    engineFile: ENGINE,
    start: { recordFile, cacheFolder: path.join(folder, 'cache'), defaultThreads: 1 },
    logFile: path.join(folder, 'engine.log'),
    deadlineMs: 30_000,
    hello: { whenWindowCloses: 'continue' },
  });
  const { address, token, protocol } = JSON.parse(readFileSync(recordFile, 'utf8'));
  const hello = { protocol, token, whenWindowCloses: 'continue' };
  try {
    const configFile = path.join(folder, 'bench.diffusion.json');
    writeFileSync(configFile, JSON.stringify(SETTINGS));
    const runsFolder = path.join(folder, 'runs');
    const { run } = await engine.client.request('train', { configFile, overrides: {}, runsFolder });
    engine.client.dispose();
    const file = path.join(run, 'metrics.jsonl');
    await pause(3000);
    const sums = { alone: [0, 0, 0], followed: [0, 0, 0] };
    for (const turn of TURNS) {
      const window = turn === 'followed' ? await EngineClient.connect(address, hello) : null;
      await window?.request('follow', { run });
      await pause(1000);
      const before = [performance.now() / 1000, busySeconds(engine.pid), stepsIn(file)];
      await pause(milliseconds - 1000);
      const after = [performance.now() / 1000, busySeconds(engine.pid), stepsIn(file)];
      after.forEach((value, i) => (sums[turn][i] += value - before[i]));
      window?.dispose();
    }
    const of = ([seconds, busy, steps]) => ({
      busy: busy / seconds,
      stepsPerSecond: steps / seconds,
    });
    const [alone, followed] = [of(sums.alone), of(sums.followed)];
    return { alone, followed, share: Math.max(0, followed.busy - alone.busy) };
  } finally {
    process.kill(engine.pid, 'SIGKILL');
    // An engine does not keep its parent alive.
    const alive = setInterval(() => undefined, 1000);
    await engine.exited;
    clearInterval(alive);
  }
}

/** A window's end of the engine, bundled: its source is TypeScript. */
async function client(folder) {
  const outfile = path.join(folder, 'client.cjs');
  const entryPoints = [path.join(ROOT, 'src/engine/client.ts')];
  await build({ entryPoints, outfile, bundle: true, platform: 'node', format: 'cjs' });
  return (await import(pathToFileURL(outfile).href)).default;
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Processor time of a process's main thread. */
function busySeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function stepsIn(file) {
  return readFileSync(file, 'latin1').split('\n').length - 1;
}
