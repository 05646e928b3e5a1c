/** Numbers as people read them: those of all surfaces, and those of charts and facts. */

export {
  bytesText,
  count,
  duration,
  figure,
  plural,
  precise,
} from '../../src/core/base/number-text';

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
