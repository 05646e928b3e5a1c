import { UserError } from '../../base/errors';

const OUT_OF_MEMORY =
  /bad_alloc|failed to allocate|out of memory|allocation failed|not enough memory|device.*lost|exceeds the max/i;

/** An executor's error, as a sentence for the user where it is one that the user can mend. */
export function explain(error: unknown, label: string, device: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  if (!OUT_OF_MEMORY.test(message)) return error instanceof Error ? error : new Error(message);
  return new UserError(
    `${label} does not fit the memory of device ${device}: lower the batch size (--batch-size), ` +
      `the image size (--image-size) or the model's channels.`,
  );
}
