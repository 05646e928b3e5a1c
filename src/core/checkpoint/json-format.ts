import { isRecord } from '../base/schema';

/** JSON as diffusers writes it: two spaces of indent, keys sorted, a newline at the end. */
export function formatJson(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

const STRING_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * The value of a JSON text as Python writes it: numbers may be `Infinity` and `-Infinity`, and `NaN`,
 * which is read as null.
 *
 * @throws SyntaxError when it is not JSON otherwise
 */
export function parsePythonJson(text: string): unknown {
  const strict = text.replace(STRING_OR_WORD, (token) => {
    if (token === 'NaN') return 'null';
    return token.startsWith('"') ? token : token.replace('Infinity', '1e999');
  });
  return JSON.parse(strict) as unknown;
}
