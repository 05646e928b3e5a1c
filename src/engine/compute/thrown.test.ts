import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { StoppedError, UserError } from '../../core/base/errors';
import { failureOf } from '../failures';
import { errorOf, thrownOf } from './thrown';

/** An error as it comes out of the other thread. */
const across = (error: unknown) => errorOf(structuredClone(thrownOf(error)));

function caught(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('an error that crosses to the other thread', () => {
  it('keeps its class and its message', () => {
    const user = across(new UserError('steps is 0; give more.'));
    expect(user).toBeInstanceOf(UserError);
    expect(user.message).toBe('steps is 0; give more.');
    expect(across(new StoppedError('stopped'))).toBeInstanceOf(StoppedError);
  });

  it('keeps, if it is a fault, where it was thrown', () => {
    const fault = new TypeError('x is not a function');
    expect(across(fault)).not.toBeInstanceOf(UserError);
    expect(across(fault)).toMatchObject({ message: fault.message, stack: fault.stack });
    expect(across('a word')).toMatchObject({ message: 'a word' });
  });

  it('is told to a window as it would have been on this side', () => {
    expect(existsSync('/no/such/file')).toBe(false);
    const error = caught(() => readFileSync('/no/such/file'));
    expect(failureOf(across(error))).toEqual(failureOf(error));
    expect(failureOf(across(error)).kind).toBe('user');
  });
});
