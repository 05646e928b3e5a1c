import path from 'node:path';

/** What changes in a burst is reported once, this long after its first change. */
const SOON_MS = 250;
/** Lines of metrics are written many times a second: these are reported more rarely. */
const LATER_MS = 2000;

/** How soon a change of a file matters, in milliseconds; null if it does not. */
export function delayFor(file: string): number | null {
  const name = path.basename(file);
  if (name === 'metrics.jsonl') return LATER_MS;
  // What is written beside its place is renamed into it, and that is another change.
  return name.startsWith('.') && name !== '.lock' ? null : SOON_MS;
}
