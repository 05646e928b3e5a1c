import { describe, expect, it } from 'vitest';
import { MEASURES, parseOptions } from './options';

const idsOf = (...args: string[]) => parseOptions(args).cases.map(({ id }) => id);

describe('parseOptions', () => {
  it('takes everything where nothing is chosen', () => {
    const options = parseOptions([]);
    expect(options.rounds).toBe(7);
    expect(options.cases).toHaveLength(4);
    expect(options.measures).toEqual(MEASURES);
  });

  it('takes what concerns the cases that are chosen', () => {
    expect(idsOf('--only', 'b')).toEqual(['b']);
    expect(parseOptions(['--only', 'b']).measures).toEqual(['training', 'sampling', 'memory']);
  });

  it('takes measures of all cases, or of those beside them', () => {
    expect(idsOf('--only', 'training')).toHaveLength(4);
    expect(idsOf('--only', 'training,d', '--only', 'a')).toEqual(['a', 'd']);
    expect(parseOptions(['--only', 'startup,d']).measures).toEqual(['startup']);
  });

  it.each([
    [['--only', 'speed'], /--only has speed; there are a, b, c, d, training/],
    [['--rounds', '0'], /--rounds is 0; give a whole number from 1/],
    [['--thread', '2'], /--thread/],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
