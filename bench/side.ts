import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { UserError } from '../src/core/base/errors';
import type {
  AnyRequest,
  JobRequest,
  Opened,
  OwnRequest,
  SideAnswers,
  WholeTraining,
} from './protocol';

export interface SideProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly threads: number;
  /** Whether the peer tries `torch.compile` too. */
  readonly compile: boolean;
}

const KEPT_WORDS = 4000;
/** Time for a side to end by itself. */
const END_MS = 20_000;

interface Waiter {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** A process that computes for the bench, one request after the other. */
export class Side {
  private readonly child: ChildProcess;
  private readonly waiters: Waiter[] = [];
  private lastWords = '';
  private ended: Error | null = null;
  versions: Readonly<Record<string, string>> = {};

  private constructor(private readonly program: SideProgram) {
    this.child = spawn(program.command, program.args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.on('error', (error) => this.fail(error.message));
    this.child.on('close', (code, signal) => this.fail(`it ended (${code ?? signal})`));
    this.child.stdin!.on('error', () => undefined);
    this.child.stderr!.on('data', (data: Buffer) => {
      this.lastWords = (this.lastWords + data.toString()).slice(-KEPT_WORDS);
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.receive(line));
  }

  /** @throws UserError if it cannot be started, with its last words */
  static async start(program: SideProgram): Promise<Side> {
    const side = new Side(program);
    const { threads, compile } = program;
    const { versions } = await side.ask({ do: 'hello', threads, compile });
    side.versions = versions;
    return side;
  }

  /** @throws UserError with what the side says is wrong, or that it has ended */
  ask<R extends AnyRequest>(request: R): Promise<SideAnswers[R['do']]> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      this.waiters.push({ resolve, reject });
      this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    }) as Promise<SideAnswers[R['do']]>;
  }

  open(job: JobRequest | OwnRequest | WholeTraining): Promise<Opened> {
    return this.ask({ do: 'open', job });
  }

  /** Most bytes of memory that it has held so far; null where the system does not tell. */
  peakBytes(): number | null {
    return peakBytesOf(this.child.pid!);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = new Promise<void>((resolve) => this.child.once('close', () => resolve()));
    this.child.stdin!.end();
    const deadline = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await closed;
    clearTimeout(deadline);
  }

  private receive(line: string): void {
    const waiter = this.waiters.shift();
    const answer = JSON.parse(line) as { error?: string };
    if (answer.error === undefined) return waiter?.resolve(answer);
    waiter?.reject(new UserError(`${this.program.name}: ${answer.error}`));
  }

  private fail(reason: string): void {
    const words = this.lastWords.trim().split('\n').slice(-3).join(' ');
    this.ended ??= new UserError(
      `${this.program.name}: ${reason}${words && `; it said: ${words}`}`,
    );
    for (const waiter of this.waiters.splice(0)) waiter.reject(this.ended);
  }
}

/** Most bytes that a process has held, as Linux counts them (VmHWM); null elsewhere, or once it is gone. */
export function peakBytesOf(pid: number): number | null {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found && Number(found[1]) * 1024;
  } catch {
    return null;
  }
}
