import { describe, expect, it } from 'vitest';
import { UserError } from '../src/core/base/errors';
import { parseOptions as placement } from './placement/options';
import { parseOptions as profile } from './profile/options';

describe('options of the profile and of the placement', () => {
  it('are all cases unless some are named', () => {
    expect(profile(['--only', 'b', '--runs', '3']).cases.map(({ id }) => id)).toEqual(['b']);
    expect(profile(['--runs', '3'])).toMatchObject({ runs: 3, top: 20, json: null });
    expect(placement([]).cases.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    [profile, ['--rounds', '3'], /--rounds/],
    [profile, ['b'], /'b'/],
    [profile, ['--json'], /--json/],
    [profile, ['--top', '0'], /--top is 0; give a whole number from 1/],
    [profile, ['--only', 'x'], /--only has x; there are a, b, c, d/],
    [placement, ['--rounds', '3'], /--rounds/],
    [placement, ['--images', 'two'], /--images is two; give a whole number from 1/],
    [placement, ['--only', 'b', '--only', 'x'], /--only has x; there are a, b, c, d/],
  ])('%o refuses %j in a sentence', (parse, args, message) => {
    const refused = expect(() => parse(args));
    refused.toThrow(UserError);
    refused.toThrow(message);
  });
});
