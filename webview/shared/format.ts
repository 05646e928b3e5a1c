/** Numbers as people read them, much as the command line writes them. */

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

/** Three digits or so: "0.0612", "18.3", "583"; "–" for what is not a finite number. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return count(Math.round(value));
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size >= 1e-3 || size === 0 ? value.toFixed(4) : value.toExponential(2);
}

/** Small numbers that are longer are written with an exponent. */
const LONGEST_TICK = 6;

/** Short, for the marks of an axis: "0.05", "1.2e-4", "20k", "1.5M". */
export function tick(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  const plain = trim(value);
  if (size >= 1e-3 || plain.length <= LONGEST_TICK) return plain;
  return value.toExponential(1).replace('.0e', 'e');
}

function trim(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** "310 MB", "2.3 GB". */
export function bytes(value: number): string {
  if (value < 1e6) return `${Math.round(value / 1e3)} kB`;
  return value < 1e9 ? `${Math.round(value / 1e6)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

/** "1.6 M", "278 k": how large a model is. */
export function magnitude(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e7 ? 0 : 1)} M`;
  return value >= 1e3 ? `${Math.round(value / 1e3)} k` : String(value);
}

/** "42 %", of a share of 0 … 1. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
