import { expect, it } from 'vitest';
import { shortPaths } from './short-paths';

it.each([
  ['/home/ada/my pictures/runs/a is broken.', ['/home/ada/my pictures'], 'runs/a is broken.'],
  ['From /w/a to /w/a/b/c.', ['/w', '/w/a'], 'From a to b/c.'],
  ['C:\\w\\runs\\a is no run.', ['C:\\w'], 'runs\\a is no run.'],
  ['/elsewhere/runs/a is no run.', ['/w'], '/elsewhere/runs/a is no run.'],
  ['/w is no run.', ['/w'], '/w is no run.'],
])('of %s in %j says %s', (message, folders, short) => {
  expect(shortPaths(message, folders)).toBe(short);
});
