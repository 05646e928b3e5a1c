/** Why a name cannot be a folder's on any system; null if it can. */
export function faultOfName(text: string, taken: ReadonlySet<string>): string | null {
  const name = text.trim();
  if (name === '') return 'A run needs a name.';
  if (name.length > 100) return 'At most 100 characters.';
  if (/[\\/:*?"<>|\p{Cc}]/u.test(name)) return 'These cannot be in a name: \\ / : * ? " < > |';
  if (name.startsWith('.')) return 'A name cannot start with a dot.';
  if (name.endsWith('.')) return 'A name cannot end in a dot.';
  if (taken.has(name.toLowerCase())) return `There is a run ${name} already.`;
  return null;
}
