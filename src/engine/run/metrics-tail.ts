import { open, type FileHandle } from 'node:fs/promises';
import { errorCode } from '../../core/base/files';
import type { ColumnsCache } from './columns-cache';
import { MetricsStore } from './metrics-store';

/** Bytes that are read and parsed at a time; between two pieces, others get their turn. */
const PIECE = 1 << 20;
/** Bytes before the place where reading goes on, by which a rewritten file is known. */
const MARK = 64;

/** Reads a growing `metrics.jsonl` into columns, as often as it is told to. */
export class MetricsTail {
  private columns = new MetricsStore();
  /** Bytes of whole lines that were read. */
  private offset = 0;
  /** The last of those bytes. */
  private mark: Buffer = Buffer.alloc(0);
  private unsaved: (() => Promise<void>) | null = null;
  private saving: Promise<void> = Promise.resolve();

  /** @param cache where copies of large files are kept */
  constructor(
    readonly file: string,
    private readonly cache: ColumnsCache | null = null,
  ) {}

  get store(): MetricsStore {
    return this.columns;
  }

  /**
   * Reads what was added since the last time. A file that was cut off or written anew, as a resumed
   * run does, is read from its beginning.
   *
   * @returns the first row that is new or another than before, or null where nothing changed
   */
  async read(): Promise<number | null> {
    const handle = await open(this.file, 'r').catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return null;
      throw error;
    });
    if (!handle) return this.columns.rows > 0 ? this.startAnew(null) : null;
    try {
      const { size } = await handle.stat();
      if (!(await this.isContinued(handle, size))) return await this.startAnew(handle);
      if (size === this.offset) return null;
      const { rows: before, evaluations } = this.columns;
      const cut = await this.readOn(handle);
      const { rows, evaluations: now } = this.columns;
      return cut < before || rows > before || now !== evaluations ? cut : null;
    } finally {
      await handle.close();
    }
  }

  /** Keeps a copy of a large file that was read line by line; settles when it is kept. Never throws. */
  save(): Promise<void> {
    const { unsaved } = this;
    this.unsaved = null;
    if (unsaved) this.saving = this.saving.then(unsaved);
    return this.saving;
  }

  /** Takes what the file holds now as read: its rows are in the store already. */
  async skipToEnd(): Promise<void> {
    const handle = await open(this.file, 'r').catch(() => null);
    if (!handle) return;
    try {
      const { size } = await handle.stat();
      this.mark = await markBefore(handle, size);
      this.offset = size;
    } finally {
      await handle.close();
    }
  }

  private async isContinued(handle: FileHandle, size: number): Promise<boolean> {
    if (size < this.offset) return false;
    const { length } = this.mark;
    const now = Buffer.alloc(length);
    await handle.read(now, 0, length, this.offset - length);
    return now.equals(this.mark);
  }

  private async startAnew(handle: FileHandle | null): Promise<number | null> {
    const old = this.columns;
    this.columns = new MetricsStore();
    this.offset = 0;
    this.mark = Buffer.alloc(0);
    if (handle) await this.readOn(handle);
    const from = this.columns.firstDifference(old);
    const isSame = from === old.rows && from === this.columns.rows;
    const areNone = [old, this.columns].every(({ evaluations }) => evaluations.length === 0);
    return isSame && areNone ? null : from;
  }

  /** Reads whole lines up to the end. @returns the first row that changed */
  private async readOn(handle: FileHandle): Promise<number> {
    const { cache } = this;
    const key = cache && this.offset === 0 ? await cache.keyOf(handle) : null;
    if (!cache || key === null) return this.readLines(handle);
    if (await this.takeCopy(handle, key)) return 0;
    const first = await this.readLines(handle);
    const { offset } = this;
    const isSame = (await cache.keyOf(handle)) === key;
    const { evaluations } = this.columns;
    const columns = this.columns.view();
    if (isSame) this.unsaved = () => cache.save(key, { columns, evaluations, offset });
    return first;
  }

  private async takeCopy(handle: FileHandle, key: string): Promise<boolean> {
    const cached = await this.cache?.load(key);
    if (!cached) return false;
    this.columns = new MetricsStore(cached.columns, cached.evaluations);
    this.offset = cached.offset;
    this.mark = await markBefore(handle, cached.offset);
    return true;
  }

  private async readLines(handle: FileHandle): Promise<number> {
    const { size } = await handle.stat();
    let first = this.columns.rows;
    for await (const lines of wholeLines(handle, this.offset, size)) {
      const before = this.columns.rows;
      first = Math.min(first, this.columns.addLines(lines));
      this.offset += lines.length;
      this.mark = Buffer.from(lines.subarray(-MARK));
      if (before === 0) this.columns.reserve((this.columns.rows * size) / lines.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return first;
  }
}

/** The whole lines of a part of a file, some {@link PIECE} at a time; one is read ahead. */
async function* wholeLines(handle: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  let at = from;
  const read = async () => {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, to - at));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    at += bytesRead;
    return buffer.subarray(0, bytesRead);
  };
  let rest = Buffer.alloc(0);
  let next = read();
  for (;;) {
    const piece = await next;
    if (piece.length === 0) return;
    next = read();
    // Where nobody asks on, nobody hears of it.
    next.catch(() => undefined);
    const end = piece.lastIndexOf(10) + 1;
    const lines = Buffer.concat([rest, piece.subarray(0, end)]);
    rest = end > 0 ? piece.subarray(end) : Buffer.concat([rest, piece]);
    if (end > 0) yield lines;
  }
}

async function markBefore(handle: FileHandle, offset: number): Promise<Buffer> {
  const mark = Buffer.alloc(Math.min(MARK, offset));
  await handle.read(mark, 0, mark.length, offset - mark.length);
  return mark;
}
