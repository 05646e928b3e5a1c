import path from 'node:path';
import { writeCaseFiles } from './case-files';
import type { BenchCase } from './cases';
import type { BenchOptions } from './options';
import type { CaseFiles, Opened } from './protocol';
import { Side } from './side';
import type { Turn } from './rounds';

/** The bundles that are measured. */
export const DIST = path.join(__dirname, '..');
const ROOT = path.join(DIST, '..');

/** What all measures share. */
export class Bench {
  private readonly files = new Map<string, Promise<CaseFiles>>();
  /** The peer's ways of computing that were the fastest, by measure, case and batch. */
  readonly variants = new Map<string, string>();

  constructor(
    readonly options: BenchOptions,
    /** For what the measures write; the bench's own. */
    readonly folder: string,
    readonly ours: Side,
    /** Null: PyTorch is not there. */
    readonly peer: Side | null,
    readonly ceiling: Ceiling,
  ) {}

  filesOf(one: BenchCase): Promise<CaseFiles> {
    const files = this.files.get(one.id) ?? writeCaseFiles(one, this.folder);
    this.files.set(one.id, files);
    return files;
  }
}

/** @param manner `calm`: at a lower priority, and idle threads sleep, as in the engine */
export function startOurs(
  { threads }: BenchOptions,
  cacheFolder: string,
  manner: 'usual' | 'calm' = 'usual',
): Promise<Side> {
  const args = [path.join(__dirname, 'ours.js'), cacheFolder, manner];
  return Side.start({ name: 'ours', command: process.execPath, args, threads, compile: false });
}

export function startPeer({
  threads,
  python,
  compile,
}: Pick<BenchOptions, 'threads' | 'python' | 'compile'>): Promise<Side> {
  const args = [path.join(ROOT, 'bench', 'peer', 'main.py')];
  return Side.start({ name: 'the PyTorch peer', command: python, args, threads, compile });
}

/** The fastest large matrix product that our runtime computes here: what a net could reach at most. */
export interface Ceiling {
  readonly turn: Turn;
  readonly size: number;
  readonly flops: number;
}

const SIZES = [1024, 2048];

/** Opens the ceiling's job on our side, of the size that is the fastest. */
export async function openCeiling(ours: Side): Promise<Ceiling> {
  const tried: { rate: number; ceiling: Ceiling }[] = [];
  for (const size of SIZES) {
    const { job }: Opened = await ours.open({ kind: 'gemm', size });
    const flops = 2 * size ** 3;
    const { seconds } = await ours.ask({ do: 'run', job, iterations: 4 });
    tried.push({ rate: flops / seconds, ceiling: { turn: { side: ours, job }, size, flops } });
  }
  tried.sort((a, b) => b.rate - a.rate);
  const [best, ...others] = tried.map(({ ceiling }) => ceiling);
  for (const { turn } of others) await ours.ask({ do: 'close', job: turn.job });
  return best!;
}

/** A line for who waits. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
