import { expect, it } from 'vitest';
import { faultOfName } from './run-name';

const TAKEN = new Set(['digits']);

it.each(['a', ' my run 2 ', 'digits-2'])('A run can be named %j', (name) => {
  expect(faultOfName(name, TAKEN)).toBeNull();
});

it.each([
  ['', 'A run cannot have this name: it is empty.'],
  ['NUL', 'A run cannot have this name: Windows keeps it for a device.'],
  ['Digits', 'There is a run Digits already.'],
])('%j cannot be a run’s name', (name, why) => {
  expect(faultOfName(name, TAKEN)).toBe(why);
});
