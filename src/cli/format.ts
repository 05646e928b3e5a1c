import path from 'node:path';

/** "4.2 s", "42 s", "3 min 05 s", "2 h 07 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** "12,345". */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** "1 image", "2 images". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Three digits or so: "0.0612", "18.3", "583". */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return count(Math.round(value));
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size >= 1e-4 || size === 0 ? value.toFixed(4) : value.toExponential(2);
}

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
