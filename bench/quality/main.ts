import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/core/base/errors';
import { exists } from '../../src/core/base/files';
import type { TrainingConfig } from '../../src/core/config/training-config';
import type { Evaluation } from '../../src/core/evaluate/evaluation';
import { programFiles } from '../../src/core/train/program-files';
import { DIST, note, startPeer } from '../shared';
import { runProgram } from '../command-line';
import { runMain } from '../program';
import type { Side } from '../side';
import { CHECKED_STEPS, checkAgreement, checkOf, courseOfPeer, ourCourse } from './agreement';
import { openContender, RUNS, trainOurs, trainPeer, type Contender } from './contenders';
import { checkIsFree, earlierTrainings } from './earlier';
import { parseOptions, type QualityOptions } from './options';
import { firstBatches, writePeerFiles } from './peer-files';
import { report, verdictOf, type Judged, type QualityResult } from './report';
import { checkComparable, configOf, openSetup } from './setup';

interface Trained {
  readonly config: TrainingConfig;
  readonly ours: Contender;
  readonly peer: Contender | null;
  readonly peerVersions: Readonly<Record<string, string>>;
}

/** Trains the same on both sides and measures both: what `bench/README.md` says under Quality. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!(await exists(path.join(DIST, 'cli.js')))) {
    throw new UserError('There is no dist/cli.js to measure; run npm run build first.');
  }
  const folder = options.keep ?? (await mkdtemp(path.join(os.tmpdir(), 'diffusion-lab-quality-')));
  try {
    await mkdir(folder, { recursive: true });
    const trained = options.evaluatesOnly
      ? await earlier(options, folder)
      : await train(options, folder);
    const result = await judge(options, trained, folder);
    process.stdout.write(report(result));
    const { ours, peer } = result;
    const verdict =
      peer && verdictOf(ours.evaluation.samples.frechet, peer.evaluation.samples.frechet);
    if (options.json) {
      await writeFile(options.json, `${JSON.stringify({ ...result, verdict }, null, 2)}\n`);
    }
    if (verdict && !verdict.isNoWorse) process.exitCode = 1;
  } finally {
    if (options.keep === null) await rm(folder, { recursive: true, force: true });
  }
}

/** The trainings of a folder that was kept. */
async function earlier({ ours: run }: QualityOptions, folder: string): Promise<Trained> {
  const { ours, peer } = await earlierTrainings(run, folder);
  return { config: ours.config, ours, peer, peerVersions: peer?.versions ?? {} };
}

async function train(options: QualityOptions, folder: string): Promise<Trained> {
  await checkIsFree(folder);
  const given = options.ours === null ? null : await openContender(options.ours);
  const config = given?.config ?? (await configOf(options.config, options.dataset));
  checkComparable(config);
  const side = await peerIfThere(options);
  try {
    const peer = side && (await preparePeer(side, config, options, folder));
    const ours = given ?? (await trainOurs(config, options.threads, folder));
    return { config, ours, peer: peer && (await peer()), peerVersions: side?.versions ?? {} };
  } finally {
    await side?.end();
  }
}

/** Without PyTorch, ours is trained and measured alone. */
async function peerIfThere({ threads, python }: QualityOptions): Promise<Side | null> {
  try {
    return await startPeer({ threads, python, compile: false });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    note(
      `PyTorch is left out: ${error.message.replace(/\.$/, '')}. Give a Python that has torch and ` +
        'numpy by --python or BENCH_PYTHON.',
    );
    return null;
  }
}

/**
 * Sees that the PyTorch loop computes what ours does, before anything is trained.
 *
 * @returns what trains it
 */
async function preparePeer(
  side: Side,
  config: TrainingConfig,
  { threads }: QualityOptions,
  folder: string,
): Promise<() => Promise<Contender>> {
  note('looking whether both sides are the same');
  const setup = await openSetup(config, threads, path.join(folder, 'cache'));
  const { training, schedule, horizontalFlip } = setup.config;
  const batches = firstBatches(setup, CHECKED_STEPS * training.accumulate);
  const files = await writePeerFiles(setup, batches, folder);
  const check = checkOf(setup, folder);
  const { nullClass } = setup.conditioning;
  const request = { files, schedule, training, horizontalFlip, nullClass, check };
  const opened = await side.open({ kind: 'whole-training', ...request });
  const peer = await courseOfPeer(opened.losses, check);
  const { prediction, loss, average } = checkAgreement(
    await ourCourse(setup, check, batches),
    peer,
  );
  const [first, then, last] = [prediction, loss, average].map((x) => x.toExponential(0));
  note(
    `they are: predictions to ${first}, losses of ${CHECKED_STEPS} steps to ${then}, then averages' predictions to ${last}`,
  );
  return () => trainPeer(side, opened, setup, folder);
}

async function judge(
  options: QualityOptions,
  { config, ours, peer, peerVersions }: Trained,
  folder: string,
): Promise<QualityResult> {
  const evaluated = async (name: string, { checkpoint, seconds }: Contender): Promise<Judged> => {
    note(`measuring ${name}`);
    const evaluation = await evaluateBy(options, checkpoint, folder, name);
    return { evaluation, trainingSeconds: seconds };
  };
  const own = await evaluated(RUNS.ours, ours);
  const theirs = peer && (await evaluated(RUNS.peer, peer));
  if (theirs) checkSameMeasure(own.evaluation, theirs.evaluation);
  return {
    date: new Date().toISOString(),
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    threads: options.threads,
    versions: { ...programFiles(DIST).versions, ...peerVersions },
    steps: config.training.steps,
    batchSize: config.training.batchSize * config.training.accumulate,
    ours: own,
    peer: theirs,
  };
}

async function evaluateBy(
  { threads, evaluation }: QualityOptions,
  checkpoint: string,
  folder: string,
  name: string,
): Promise<Evaluation> {
  const out = path.join(folder, `${name}-quality.json`);
  await rm(out, { force: true });
  const args = ['evaluate', checkpoint, '--device', 'cpu', '--threads', String(threads)];
  const cacheFolder = path.join(folder, 'cache');
  await runProgram([...args, ...evaluation, '--out', out], { cacheFolder });
  return JSON.parse(await readFile(out, 'utf8')) as Evaluation;
}

/** The real images' own figures are the same where data set, split and feature space are. */
function checkSameMeasure(ours: Evaluation, peer: Evaluation): void {
  if (ours.real.frechet.value === peer.real.frechet.value) return;
  throw new UserError(
    'The two evaluations compared with other images or in another feature space; train both anew in one folder.',
  );
}

runMain(main);
