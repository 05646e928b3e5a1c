import { expect, it } from 'vitest';
import { faultOfName } from './run-name';

const TAKEN = new Set(['digits']);

it.each(['a', 'my run 2', 'Ziffern-ä', 'digits-2'])('A run can be named %j', (name) => {
  expect(faultOfName(name, TAKEN)).toBeNull();
});

it.each([
  ['', /needs a name/],
  ['   ', /needs a name/],
  ['a/b', /cannot be in a name/],
  ['a\\b', /cannot be in a name/],
  ['a\u0000', /cannot be in a name/],
  ['a?', /cannot be in a name/],
  ['..', /start with a dot/],
  ['.hidden', /start with a dot/],
  ['a.', /end in a dot/],
  ['Digits', /already/],
  ['x'.repeat(101), /100 characters/],
])('%j cannot be a run’s name', (name, why) => {
  expect(faultOfName(name, TAKEN)).toMatch(why);
});
