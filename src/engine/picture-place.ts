import { prepareGif, preparePng, prepareReplacing } from '../core/base/output-files';

/**
 * Makes sure that a picture can be written.
 *
 * @param replace whether the user has agreed that a file that is there is replaced
 * @throws UserError if it cannot, or the place is taken
 */
export async function preparePicture(
  file: string,
  extension: '.png' | '.gif',
  replace = false,
): Promise<void> {
  if (replace) await prepareReplacing('the file', file, extension);
  else if (extension === '.png') await preparePng('the file', file);
  else await prepareGif('the file', file);
}
