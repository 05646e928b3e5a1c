import { UserError } from '../../base/errors';

const OUT_OF_MEMORY = new RegExp(
  [
    'bad_alloc|failed to allocate|out of memory|allocation failed|not enough memory',
    'device.*lost|exceeds the max',
    // WebGPU: what follows a buffer that could not be made, one cut into too many bindings, and one
    // whose size is beyond 32 bits.
    'invalid buffer|too many storage buffers|narrowing_error',
  ].join('|'),
  'i',
);

/** An executor's error, as a sentence for the user where it is one that the user can mend. */
export function explain(error: unknown, label: string, device: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (!OUT_OF_MEMORY.test(message)) return error instanceof Error ? error : new Error(message);
  return new UserError(
    `${label} does not fit the memory of device ${device}: lower the batch size (--batch-size), ` +
      `the image size (--image-size) or the model's channels.`,
  );
}
