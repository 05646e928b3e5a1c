import { ResponseError } from 'vscode-jsonrpc/node';
import { describe, expect, it } from 'vitest';
import { decode, encode, failureIn, replyOf } from './wire';

const roundTrip = <T>(value: T) => decode(encode(value)) as T;

describe('a message', () => {
  it('comes through as it was, with its typed arrays, NaN and infinities', () => {
    const message = {
      jsonrpc: '2.0',
      params: {
        numbers: [NaN, -Infinity, Infinity, -0],
        float32: Float32Array.of(NaN, -Infinity, 1.5, -0),
        float64: Float64Array.of(Math.PI, NaN),
        bytes: Uint8Array.of(0, 255),
        words: Uint32Array.of(2 ** 32 - 1),
        nothing: null,
        missing: undefined,
        text: 'ᾱ_t → ε',
      },
    };
    expect(roundTrip(message)).toEqual(message);
    expect(Object.is(roundTrip(message).params.numbers[3], -0)).toBe(true);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('may hold arrays at any place: %i bytes further', (shift) => {
    const message = [
      'x'.repeat(shift),
      Float64Array.of(1, 2),
      Uint8Array.of(1),
      Float32Array.of(3),
    ];
    expect(roundTrip(message)).toEqual(message);
  });

  it('gives each array a buffer of its own, of its own size', () => {
    const big = new Float32Array(1000).fill(7);
    const { view, bytes } = roundTrip({ view: big.subarray(10, 14), bytes: Buffer.from('abc') });
    expect(view).toEqual(Float32Array.of(7, 7, 7, 7));
    expect(view.buffer.byteLength).toBe(16);
    expect(view.byteOffset).toBe(0);
    expect(bytes).toEqual(Uint8Array.of(97, 98, 99));
    expect(bytes.buffer.byteLength).toBe(3);
  });

  it('costs no more than the view it holds', () => {
    const big = new Float32Array(100_000);
    expect(encode(big.subarray(0, 4)).byteLength).toBeLessThan(64);
  });
});

describe('a failure', () => {
  it('travels in the data of an error', () => {
    const failure = { kind: 'user', message: 'steps is 0; it must be more.' } as const;
    const { code, message, data } = replyOf(failure);
    expect(failureIn(new ResponseError(code, message, data))).toEqual(failure);
  });

  it('that is not of ours is a fault', () => {
    expect(failureIn(new ResponseError(-32601, 'Unhandled method'))).toMatchObject({
      kind: 'fault',
      message: 'Unhandled method',
    });
    expect(failureIn(new TypeError('oh'))).toMatchObject({ kind: 'fault', message: 'oh' });
  });
});
