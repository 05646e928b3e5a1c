/** Longest name of a run, in UTF-16 units. */
const MOST_LETTERS = 100;
/** Names that Windows keeps for devices, with any ending. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;

/**
 * Why a name cannot be that of a run, whose folder has to be one on every system: the rest of a
 * sentence that begins with the name. Null if it can.
 */
export function faultOfRunName(name: string): string | null {
  if (name.trim() === '') return 'it is empty';
  if (name.length > MOST_LETTERS) return `it has more than ${MOST_LETTERS} characters`;
  if (/[\\/:*?"<>|\p{Cc}]/u.test(name)) return 'it holds one of \\ / : * ? " < > |';
  if (name.startsWith('.')) return 'it starts with a dot';
  if (name.endsWith('.')) return 'it ends in a dot';
  if (name !== name.trim()) return 'it starts or ends with a space';
  if (DEVICE.test(name)) return 'Windows keeps it for a device';
  return null;
}
