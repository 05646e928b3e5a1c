import { UserError } from '../base/errors';

const OUT_OF_MEMORY = new RegExp(
  [
    'bad_alloc|failed to allocate|out of memory|allocation failed|not enough memory',
    'exceeds the max',
    // TensorFlow, and JavaScript's own arrays.
    'oom when allocating|invalid typed array length',
    // WebGPU: what follows a buffer that could not be made, one cut into too many bindings, and one
    // whose size is beyond 32 bits.
    'invalid buffer|too many storage buffers|narrowing_error',
  ].join('|'),
  'i',
);

/** The graph that failed, and where. */
export interface FailedGraph {
  /** "The training step". */
  readonly label: string;
  readonly device: string;
  /** What to lower where it does not fit the memory. */
  readonly remedy?: string;
}

/** An executor's error, as a sentence for the user where it is one that the user can mend. */
export function explain(error: unknown, { label, device, remedy }: FailedGraph): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (/device.*lost/i.test(message)) {
    return new UserError(
      `${label} was broken off because the driver of device ${device} gave up: try again, or use --device cpu.`,
    );
  }
  if (/requires f16/i.test(message)) {
    return new UserError(
      `${label} needs 16-bit arithmetic (shader-f16), which the driver of device ${device} lacks: leave --precision out.`,
    );
  }
  if (OUT_OF_MEMORY.test(message)) {
    const wayOut = remedy ?? 'use a smaller model';
    return new UserError(`${label} does not fit the memory of device ${device}: ${wayOut}.`);
  }
  return error instanceof Error ? error : new Error(message);
}
