import path from 'node:path';

export { bytesText, count, duration, figure, plural, precise } from '../core/base/number-text';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of a number of cells, filled to a share of 0 … 1; the rest is `empty`. */
export function bar(share: number, cells: number, empty: (text: string) => string): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const full = '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]!;
  return full + empty('░'.repeat(cells - Math.ceil(eighths / 8)));
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** A line of little bars, on a logarithmic scale: losses fall fast, and then slowly. */
export function sparkline(values: readonly number[]): string {
  const logs = values.map((value) => Math.log(Math.max(value, 1e-12)));
  const low = Math.min(...logs);
  const range = Math.max(...logs) - low;
  const level = (log: number) => (range > 0 ? Math.round(((log - low) / range) * 7) : 0);
  return logs.map((log) => LEVELS[level(log)]!).join('');
}

/** A path as it is typed from here: relative where that is no detour. */
export function shortPath(file: string): string {
  const relative = path.relative(process.cwd(), path.resolve(file));
  if (relative === '') return '.';
  return relative.startsWith('..') ? file : relative;
}

/** A word of a command as it is typed into a shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Names and values below each other: "  run         runs/digits". */
export function fields(entries: readonly (readonly [name: string, value: string])[]): string[] {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
}
