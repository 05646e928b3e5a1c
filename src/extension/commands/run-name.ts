import { faultOfRunName } from '../../engine/run-name';

/** Why a run cannot be given a name, in a sentence; null if it can. Spaces around it do not count. */
export function faultOfName(text: string, taken: ReadonlySet<string>): string | null {
  const name = text.trim();
  const fault = faultOfRunName(name);
  if (fault !== null) return `A run cannot have this name: ${fault}.`;
  if (taken.has(name.toLowerCase())) return `There is a run ${name} already.`;
  return null;
}
