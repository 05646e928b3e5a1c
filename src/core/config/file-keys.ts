import { z } from 'zod';
import { UserError } from '../base/errors';
import { hint, isRecord } from '../base/schema';
import { TrainingConfig } from './training-config';

/** What other programs call a setting, in small letters. */
const OTHER_NAMES = new Map([
  ['learningrate', 'lr'],
  ['epochs', 'steps'],
  ['maxsteps', 'steps'],
]);

/**
 * Checks the outermost keys of a settings file.
 *
 * @throws UserError that names the first wrong one, and the section that it belongs in if one has it
 */
export function checkFileKeys(file: string, values: Readonly<Record<string, unknown>>): void {
  const known = ['preset', ...Object.keys(TrainingConfig.shape), '$schema'];
  const wrong = Object.keys(values).find((key) => !known.includes(key));
  if (wrong === undefined) return;
  throw new UserError(
    `${file}: ${wrong} is not a known key; ${sectionHint(wrong) ?? hint(wrong, known)}`,
  );
}

/** "steps belongs under training.", where a section has such a key. */
function sectionHint(key: string): string | undefined {
  const plain = inSmallLetters(key);
  const wanted = OTHER_NAMES.get(plain) ?? plain;
  for (const [section, keys] of sections()) {
    const found = keys.find((each) => inSmallLetters(each) === wanted);
    if (found === undefined) continue;
    return inSmallLetters(found) === plain
      ? `${found} belongs under ${section}.`
      : `use ${found} under ${section}.`;
  }
  return undefined;
}

function inSmallLetters(key: string): string {
  return key.replace(/[_-]/g, '').toLowerCase();
}

/** The sections of a settings file, each with its keys. */
function sections(): readonly (readonly [section: string, keys: readonly string[]])[] {
  const { properties = {} } = z.toJSONSchema(TrainingConfig, { io: 'input' });
  return ['training', 'schedule', 'model'].map((name) => {
    const section = properties[name];
    const variants = isRecord(section) ? [section, ...(section.oneOf ?? [])] : [];
    return [
      name,
      variants.flatMap((each) => (isRecord(each) ? Object.keys(each.properties ?? {}) : [])),
    ];
  });
}
