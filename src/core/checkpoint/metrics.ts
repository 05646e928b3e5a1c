import { constants, open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { errorCode, withFile } from '../base/files';
import { isRecord } from '../base/schema';
import {
  evaluationText,
  parseEvaluationLine,
  withEvaluation,
  type EvaluationLine,
} from './evaluation-line';

/** One line of `metrics.jsonl`. What is not a finite number is null on disk. */
export interface MetricsLine {
  /** Optimiser steps done, from 1. */
  readonly step: number;
  readonly epoch?: number;
  /** Seconds of training so far. */
  readonly time?: number;
  readonly loss: number | null;
  readonly lr?: number;
  readonly gradNorm?: number | null;
  readonly imagesPerSecond?: number;
  /** Resident memory of the process, in MB of 10⁶ bytes. */
  readonly memory?: number;
  /** Mean loss by parts of the timesteps, the first part first; null where none was drawn. */
  readonly lossByTimestep?: readonly (number | null)[];
  /** On held-out images, where the run has some; null in lines of steps at which it was not measured. */
  readonly heldOutLoss?: number | null;
}

/** What a `metrics.jsonl` holds. */
export interface MetricsHistory {
  readonly lines: MetricsLine[];
  /** Those of evaluations, in the order of their steps. */
  readonly evaluations: readonly EvaluationLine[];
  /** Whether the last line was cut off, as a crash leaves it. */
  readonly isTorn: boolean;
  /** Lines, other than a torn last one, that could not be read and were passed over. */
  readonly unreadable: number;
}

/**
 * Reads a `metrics.jsonl`; a missing file is an empty history.
 *
 * @throws UserError when the file cannot be read
 */
export async function readMetrics(file: string): Promise<MetricsHistory> {
  const texts = (await readText(file, 'utf8')).split('\n');
  const rest = texts.pop()!;
  const lines: MetricsLine[] = [];
  let evaluations: readonly EvaluationLine[] = [];
  let unreadable = 0;
  for (const text of texts) {
    const evaluation = parseEvaluationLine(text);
    const line = evaluation ? null : parseMetricsLine(text);
    if (evaluation) evaluations = withEvaluation(evaluations, evaluation);
    else if (line) lines.push(line);
    else if (text.trim() !== '') unreadable++;
  }
  return { lines, evaluations, isTorn: rest !== '', unreadable };
}

/** A file's text, empty if there is no file. In latin1, a character is a byte. */
async function readText(file: string, encoding: 'utf8' | 'latin1'): Promise<string> {
  try {
    return await readFile(file, encoding);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    return withFile('read', file, () => Promise.reject(error));
  }
}

/** A line of the file; null for what is none. */
export function parseMetricsLine(text: string): MetricsLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || !Number.isSafeInteger(value.step)) return null;
  const isLoss = typeof value.loss === 'number' || value.loss === null;
  return isLoss ? (value as unknown as MetricsLine) : null;
}

/** As few digits as tell a number from every other float32; what is not finite becomes null. */
function short(value: number | null | undefined): number | null | undefined {
  if (value === undefined || value === null || !Number.isFinite(value)) return value;
  const wanted = Math.fround(value);
  for (let digits = 4; digits < 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === wanted) return candidate;
  }
  return Number(value.toPrecision(9));
}

/** A line without digits that say nothing: half as long to keep and to read. The loss is kept whole. */
function compact(line: MetricsLine): MetricsLine {
  const { epoch, time, lr, gradNorm, imagesPerSecond, lossByTimestep } = line;
  return {
    ...line,
    epoch: short(epoch) ?? undefined,
    time: time === undefined ? undefined : Math.round(1000 * time) / 1000,
    lr: short(lr) ?? undefined,
    gradNorm: short(gradNorm),
    imagesPerSecond:
      imagesPerSecond === undefined ? undefined : Math.round(10 * imagesPerSecond) / 10,
    lossByTimestep: lossByTimestep?.map((value) => value && Number(value.toPrecision(5))),
  };
}

/** Lines that are held back before they are written. */
const BUFFERED_LINES = 32;

/** Appends to a `metrics.jsonl`, a few lines at a time. One writer a file. */
export class MetricsLog {
  private buffer: string[] = [];

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Bytes of whole lines on the disk; writing goes on there. */
    private size: number,
  ) {}

  /**
   * Opens or makes the file. A torn last line goes, and so does every line from the first one on
   * that is past `lastStep`: what a resumed run will write again.
   *
   * @throws UserError when the file cannot be written
   */
  static async open(file: string, lastStep = Infinity): Promise<MetricsLog> {
    return withFile('write', file, async () => {
      const size = linesUpTo(await readText(file, 'latin1'), lastStep).length;
      const handle = await open(file, constants.O_RDWR | constants.O_CREAT);
      try {
        await handle.truncate(size);
      } catch (error) {
        await handle.close();
        throw error;
      }
      return new MetricsLog(file, handle, size);
    });
  }

  /** Adds a line; writes the held lines when there are enough of them. */
  append(line: MetricsLine): Promise<void> {
    return this.add(JSON.stringify(compact(line)));
  }

  /** Adds what an evaluation found, and writes it: it took long, and the next line may be far. */
  async appendEvaluation(line: EvaluationLine): Promise<void> {
    await this.add(evaluationText(line));
    await this.flush();
  }

  private async add(text: string): Promise<void> {
    this.buffer.push(`${text}\n`);
    if (this.buffer.length >= BUFFERED_LINES) await this.flush();
  }

  /**
   * Writes what is held back.
   *
   * @throws UserError when the disk is full …; the lines are kept, for another try
   */
  async flush(): Promise<void> {
    if (this.buffer.length === 0) return;
    const count = this.buffer.length;
    const bytes = new TextEncoder().encode(this.buffer.join(''));
    await withFile('write', this.path, async () => {
      try {
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await this.handle.write(
            bytes,
            done,
            bytes.length - done,
            this.size + done,
          );
          done += bytesWritten;
        }
      } catch (error) {
        await this.handle.truncate(this.size).catch(() => undefined);
        throw error;
      }
    });
    this.size += bytes.length;
    this.buffer.splice(0, count);
  }

  /** Writes what is held back, puts it on the disk and closes the file. */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.handle.sync();
    } finally {
      await this.handle.close();
    }
  }
}

/** The whole lines of a text before the first that is past a step. */
function linesUpTo(text: string, lastStep: number): string {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split(/(?<=\n)/);
  const stepOf = (line: string) => (parseEvaluationLine(line) ?? parseMetricsLine(line))?.step ?? 0;
  const end = lines.findIndex((line) => stepOf(line) > lastStep);
  return (end < 0 ? lines : lines.slice(0, end)).join('');
}
