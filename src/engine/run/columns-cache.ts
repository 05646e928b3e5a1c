import { createHash } from 'node:crypto';
import { open, readdir, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, removeLeftovers, writeFileAtomic } from '../../core/base/files';
import { SERIES, type SeriesName } from '../columns';
import type { EvaluationLine, MetricsColumns } from '../protocol';

/** Files of metrics from this size on are worth a copy in columns. */
const WORTH_BYTES = 4_000_000;
/** Bytes at the beginning and the end of a file by which it is known, beside size and time. */
const EDGE = 4096;
/** Bytes that all copies may take; those that were not used for longest go first. */
const MOST_BYTES = 400_000_000;
/** Raised with every change of the layout. */
const MAGIC = 0x4d434f03;
/** Bytes that are written at a time. */
const PIECE = 1 << 20;
/**
 * Magic, rows, parts, bytes of lines that were read, bytes of the evaluations (JSON, at the end), each a float64:
 * what follows is aligned.
 */
const HEADER = 5;

/** Columns of a file of metrics, and how many of its bytes they hold. */
export interface CachedColumns {
  readonly columns: MetricsColumns;
  readonly evaluations: readonly EvaluationLine[];
  readonly offset: number;
}

/**
 * Copies of large `metrics.jsonl` files in columns, as they lie in memory: they are read many times as
 * fast. A copy belongs to one state of a file: its size, time, beginning and end; a file that changed has
 * none. A copy that cannot be read or written is none either.
 */
export class ColumnsCache {
  constructor(private readonly folder: string) {}

  /** What an open file is known by as it is now; null where it is too small to be worth a copy. */
  async keyOf(file: FileHandle): Promise<string | null> {
    const { size, mtimeMs } = await file.stat();
    if (size < WORTH_BYTES) return null;
    const edges = Buffer.alloc(2 * EDGE);
    await file.read(edges, 0, EDGE, 0);
    await file.read(edges, EDGE, EDGE, size - EDGE);
    const hash = createHash('sha256').update(`${size} ${mtimeMs} `).update(edges);
    return hash.digest('hex').slice(0, 32);
  }

  /** The copy of a file that is known by a key, or null. */
  async load(key: string): Promise<CachedColumns | null> {
    const place = this.placeOf(key);
    try {
      const bytes = await bytesOf(place);
      const cached = bytes && unpack(bytes);
      if (cached) await utimes(place, new Date(), new Date());
      return cached;
    } catch {
      return null;
    }
  }

  /**
   * Keeps a copy. Rows that change meanwhile spoil nothing: their file is another then, and has another key.
   */
  async save(key: string, cached: CachedColumns): Promise<void> {
    try {
      await makeFolder(this.folder);
      await removeLeftovers(this.folder);
      await writeFileAtomic(this.placeOf(key), pack(cached));
      await this.makeRoom();
    } catch {
      // The next reading takes as long as this one.
    }
  }

  private placeOf(key: string): string {
    return path.join(this.folder, `${key}.columns`);
  }

  private async makeRoom(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.columns'));
    const files = await Promise.all(
      names.map(async (name) => {
        const place = path.join(this.folder, name);
        const { size, mtimeMs } = await stat(place);
        return { place, size, mtimeMs };
      }),
    );
    let room = MOST_BYTES;
    for (const { place, size } of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      room -= size;
      if (room < 0) await rm(place, { force: true });
    }
  }
}

async function bytesOf(place: string): Promise<ArrayBuffer | null> {
  const handle = await open(place, 'r').catch(() => null);
  if (!handle) return null;
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const { bytesRead } = await handle.read(bytes, done, size - done, done);
      if (bytesRead === 0) return null;
      done += bytesRead;
    }
    return bytes.buffer;
  } finally {
    await handle.close();
  }
}

const kindOf = (name: SeriesName) =>
  name === 'step' || name === 'time' ? Float64Array : Float32Array;

/** The columns as they lie in memory, piece by piece: what waits for its turn meanwhile gets it. */
function* pack({ columns, evaluations, offset }: CachedColumns): Generator<Uint8Array> {
  const { timestepParts, lossByTimestep } = columns;
  const rows = columns.step.length;
  const text = new TextEncoder().encode(JSON.stringify(evaluations));
  const header = Float64Array.of(MAGIC, rows, timestepParts, offset, text.length);
  const all = [header, ...SERIES.map((name) => columns[name]), lossByTimestep, text];
  for (const { buffer, byteOffset, byteLength } of all) {
    for (let at = 0; at < byteLength; at += PIECE) {
      yield new Uint8Array(buffer, byteOffset + at, Math.min(PIECE, byteLength - at));
    }
  }
}

/** The columns as they lie in the bytes; null where these are no copy of ours. */
function unpack(bytes: ArrayBuffer): CachedColumns | null {
  if (bytes.byteLength < HEADER * 8) return null;
  const [magic, rows = 0, timestepParts = 0, offset = 0, textBytes = 0] = new Float64Array(
    bytes,
    0,
    HEADER,
  );
  if (magic !== MAGIC) return null;
  let at = HEADER * 8;
  const width = SERIES.reduce((sum, name) => sum + kindOf(name).BYTES_PER_ELEMENT, 0);
  const textAt = at + rows * (width + timestepParts * 4);
  if (bytes.byteLength !== textAt + textBytes) return null;
  const column = (name: SeriesName) => {
    const Kind = kindOf(name);
    const made = new Kind(bytes, at, rows);
    at += made.byteLength;
    return made;
  };
  const series = Object.fromEntries(SERIES.map((name) => [name, column(name)]));
  const lossByTimestep = new Float32Array(bytes, at, rows * timestepParts);
  const columns = { ...series, lossByTimestep, timestepParts } as unknown as MetricsColumns;
  const text = new TextDecoder().decode(new Uint8Array(bytes, textAt));
  const evaluations = JSON.parse(text) as readonly EvaluationLine[];
  return { columns, evaluations, offset };
}
