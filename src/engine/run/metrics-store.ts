import {
  EVALUATION_START,
  parseEvaluationLine,
  withEvaluation,
  type EvaluationLine,
} from '../../core/checkpoint/evaluation-line';
import { parseMetricsLine, type MetricsLine } from '../../core/checkpoint/metrics';
import { ColumnStore, emptyColumns } from '../columns';
import type { MetricsColumns } from '../protocol';
import { scanLines } from './line-scanner';

/** Lines vary in length: room for somewhat more rows than the first ones foretell. */
const RESERVE = 1.05;

/** A run's metrics in columns, to whose end lines of its file are added. */
export class MetricsStore {
  private readonly columns: ColumnStore;
  private found: readonly EvaluationLine[];

  /** @param first what it starts with; copied */
  constructor(first?: MetricsColumns, evaluations: readonly EvaluationLine[] = []) {
    this.columns = new ColumnStore(first);
    this.found = evaluations;
  }

  /** Of evaluations in the run's course, in order: another list whenever there are others. */
  get evaluations(): readonly EvaluationLine[] {
    return this.found;
  }

  addEvaluation(line: EvaluationLine): void {
    this.found = withEvaluation(this.found, line);
  }

  /** Rows so far. */
  get rows(): number {
    return this.columns.length;
  }

  /**
   * Adds lines. One that does not come after those before it takes their place from its step on.
   *
   * @returns the first row that is new or another
   */
  add(lines: readonly MetricsLine[]): number {
    const rising: MetricsLine[] = [];
    for (const line of lines) {
      while (rising.length > 0 && rising.at(-1)!.step >= line.step) rising.pop();
      rising.push(line);
    }
    const [first] = rising;
    if (!first) return this.rows;
    const from = this.rowsBefore(first.step);
    const parts = this.columns.timestepParts || partsOf(rising);
    this.columns.write(from, columnsOf(rising, parts));
    return from;
  }

  /**
   * Adds whole lines of a file as bytes; what is no line is passed over.
   *
   * @returns as {@link add}
   */
  addLines(bytes: Uint8Array): number {
    return this.addRows(this.takeEvaluations(bytes));
  }

  private addRows(bytes: Uint8Array): number {
    if (bytes.length === 0) return this.rows;
    const scanned = scanLines(bytes, this.columns.timestepParts);
    if (!scanned) return this.add(parsed(bytes));
    const from = this.rowsBefore(scanned.step[0]!);
    this.columns.write(from, scanned);
    return from;
  }

  /** Takes the lines of evaluations, which are few, and leaves the others. */
  private takeEvaluations(bytes: Uint8Array): Uint8Array {
    const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const others: Uint8Array[] = [];
    let done = 0;
    for (let at = lines.indexOf(EVALUATION_START); at >= 0;) {
      const end = lines.indexOf('\n', at) + 1 || lines.length;
      const line = parseEvaluationLine(lines.toString('utf8', at, end));
      if (line) this.addEvaluation(line);
      others.push(lines.subarray(done, at));
      done = end;
      at = lines.indexOf(EVALUATION_START, end);
    }
    return done === 0 ? bytes : Buffer.concat([...others, lines.subarray(done)]);
  }

  /** Makes room for about so many rows, that it need not be made again and again. */
  reserve(rows: number): void {
    this.columns.reserve(Math.ceil(rows * RESERVE));
  }

  /** All rows as they lie in memory: good until the next change. */
  view(): MetricsColumns {
    return this.columns.view();
  }

  /** Rows `from` … `to` − 1, as copies. */
  copy(from = 0, to = this.rows): MetricsColumns {
    return this.columns.copy(from, to);
  }

  /** The first row in which two stores differ; the length of the shorter where none does. */
  firstDifference(other: MetricsStore): number {
    const [a, b] = [this.columns.view(), other.columns.view()];
    const rows = Math.min(this.rows, other.rows);
    const isSame = (row: number) =>
      a.step[row] === b.step[row] &&
      Object.is(a.time[row], b.time[row]) &&
      Object.is(a.loss[row], b.loss[row]);
    let row = 0;
    while (row < rows && isSame(row)) row++;
    return row;
  }

  /** How many rows are of steps before this one. */
  private rowsBefore(step: number): number {
    const { step: steps } = this.columns.view();
    let low = 0;
    let high = this.rows;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle]! < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function parsed(bytes: Uint8Array): MetricsLine[] {
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return texts.split('\n').flatMap((text) => parseMetricsLine(text) ?? []);
}

function partsOf(lines: readonly MetricsLine[]): number {
  return lines.find(({ lossByTimestep }) => lossByTimestep)?.lossByTimestep?.length ?? 0;
}

/** Lines as columns; parts of the timesteps that a line lacks have no value, more than there are go. */
function columnsOf(lines: readonly MetricsLine[], parts: number): MetricsColumns {
  const columns = emptyColumns(lines.length, parts);
  lines.forEach((line, row) => {
    columns.step[row] = line.step;
    columns.time[row] = line.time ?? NaN;
    columns.epoch[row] = line.epoch ?? NaN;
    columns.loss[row] = line.loss ?? NaN;
    columns.lr[row] = line.lr ?? NaN;
    columns.gradNorm[row] = line.gradNorm ?? NaN;
    columns.imagesPerSecond[row] = line.imagesPerSecond ?? NaN;
    columns.memory[row] = line.memory ?? NaN;
    columns.heldOutLoss[row] = line.heldOutLoss ?? NaN;
    const values = line.lossByTimestep;
    for (let i = 0; values && i < parts; i++) {
      columns.lossByTimestep[row * parts + i] = values[i] ?? NaN;
    }
  });
  return columns;
}
