import { expect, it } from 'vitest';
import { parsePythonJson } from './json-format';

it('reads the numbers that Python writes and JSON does not have', () => {
  const text = '{"a": -Infinity, "b": [Infinity, NaN, 1], "-Infinity": "NaN, \\"Infinity\\""}';
  expect(parsePythonJson(text)).toEqual({
    a: -Infinity,
    b: [Infinity, null, 1],
    '-Infinity': 'NaN, "Infinity"',
  });
  expect(() => parsePythonJson('{"a": Infinit}')).toThrow(SyntaxError);
});
