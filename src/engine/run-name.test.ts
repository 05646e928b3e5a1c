import { expect, it } from 'vitest';
import { faultOfRunName } from './run-name';

it.each(['a', 'my run 2', 'Ziffern-ä', 'digits-2.5', 'console', 'com10', 'x'.repeat(100)])(
  'a run can be named %j',
  (name) => {
    expect(faultOfRunName(name)).toBeNull();
  },
);

it.each([
  ['', /is empty/],
  ['   ', /is empty/],
  ['a/b', /holds one of/],
  ['a\\b', /holds one of/],
  ['a\u0000', /holds one of/],
  ['a?', /holds one of/],
  ['..', /starts with a dot/],
  ['.hidden', /starts with a dot/],
  ['a.', /ends in a dot/],
  [' a', /starts or ends with a space/],
  ['end ', /starts or ends with a space/],
  ['x'.repeat(101), /more than 100 characters/],
  ['CON', /Windows keeps it/],
  ['nul', /Windows keeps it/],
  ['Aux.run', /Windows keeps it/],
  ['com1', /Windows keeps it/],
  ['LPT¹ .x', /Windows keeps it/],
])('%j cannot be the name of a run', (name, why) => {
  expect(faultOfRunName(name)).toMatch(why);
});
