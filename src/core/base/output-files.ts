import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from './errors';
import { errorCode, exists, makeFolder, removeLeftovers, withFile } from './files';
import { readPictureSettings } from './picture';

/**
 * Where results may go. A file or folder that is there is replaced only if this program wrote it:
 * a PNG that holds our settings, an empty file; a folder of nothing but such PNGs. A GIF holds no
 * settings to tell ours by, so none is replaced.
 */

/** Whether a PNG is one that we wrote. */
async function isOurPng(file: string): Promise<boolean> {
  try {
    await readPictureSettings(file);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/** Whether nothing would be lost by writing there: no file, or an empty one. */
async function isFree(file: string): Promise<boolean> {
  if (!(await exists(file))) return true;
  const status = await stat(file);
  return status.isFile() && status.size === 0;
}

/**
 * Makes sure, before any work is done, that a PNG can be written to `file`; makes its folder.
 *
 * @throws UserError that names the option
 */
export async function preparePng(option: string, file: string): Promise<void> {
  checkExtension(option, file, '.png');
  await withFile(`write ${option}`, file, async () => {
    await prepareParent(file);
    if (await isFree(file)) return;
    const isFolder = (await stat(file)).isDirectory();
    if (!isFolder && (await isOurPng(file))) return;
    throw new UserError(
      `${option} ${file} is there already and not a picture of this program; move it away or choose another name.`,
    );
  });
}

/** As {@link preparePng}, for an animation. */
export async function prepareGif(option: string, file: string): Promise<void> {
  checkExtension(option, file, '.gif');
  await withFile(`write ${option}`, file, async () => {
    await prepareParent(file);
    if (await isFree(file)) return;
    throw new UserError(
      `${option} ${file} is there already; choose another ${option}, or delete it.`,
    );
  });
}

/**
 * As {@link preparePng} and {@link prepareGif}, where the user has agreed that a file that is there is
 * replaced, whatever it is. A folder never is.
 */
export async function prepareReplacing(
  option: string,
  file: string,
  extension: string,
): Promise<void> {
  checkExtension(option, file, extension);
  await withFile(`write ${option}`, file, async () => {
    await prepareParent(file);
    if (!(await exists(file)) || (await stat(file)).isFile()) return;
    throw new UserError(`${option} ${file} is a folder; choose another name.`);
  });
}

/**
 * Makes sure that a folder of PNGs can be written; a folder from before is replaced as a whole.
 *
 * @throws UserError that names the option
 */
export async function prepareFolder(option: string, folder: string): Promise<void> {
  await withFile(`write ${option}`, folder, async () => {
    await prepareParent(folder);
    for (const name of await entriesOf(option, folder)) {
      if (/^\d{4,}\.png$/.test(name) && (await isOurPng(path.join(folder, name)))) continue;
      throw new UserError(
        `${option} ${folder} is a folder with ${name}, which is no picture of this program; choose a new or empty folder.`,
      );
    }
  });
}

/** Makes sure that something new can be written there, and nothing is in the way. */
export async function prepareNew(option: string, target: string): Promise<void> {
  await withFile(`write ${option}`, target, async () => {
    await prepareParent(target);
    if ((await entriesOf(option, target)).length === 0) return;
    throw new UserError(`${option} ${target} is not empty; choose a new or empty folder.`);
  });
}

/** As {@link prepareNew}, for a file; not even an empty one is replaced. */
export async function prepareNewFile(
  option: string,
  file: string,
  extension: string,
): Promise<void> {
  checkExtension(option, file, extension);
  await withFile(`write ${option}`, file, async () => {
    await prepareParent(file);
    if (!(await exists(file))) return;
    throw new UserError(`${option} ${file} is there already; move it away or choose another name.`);
  });
}

function checkExtension(option: string, file: string, extension: string): void {
  if (path.extname(file).toLowerCase() === extension) return;
  throw new UserError(`${option} is ${file}; give a name that ends in ${extension}.`);
}

async function entriesOf(option: string, folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    if (errorCode(error) !== 'ENOTDIR') throw error;
    throw new UserError(`${option} ${folder} is a file, not a folder; choose another name.`);
  }
}

/** Makes sure that a run's folder can be made; what may be in it is not looked at. */
export async function prepareRun(option: string, folder: string): Promise<void> {
  await withFile(`write ${option}`, folder, () => prepareParent(folder));
}

/** Makes the folder that a path lies in, tries to write there, and tidies up after a crash. */
async function prepareParent(target: string): Promise<void> {
  const parent = path.dirname(path.resolve(target));
  await makeFolder(parent);
  const trial = path.join(parent, `.${path.basename(target)}.trial-${process.pid}`);
  await writeFile(trial, '');
  await rm(trial);
  await tidy(parent);
}

/** Removes what a crash left half written; what cannot be removed is in nobody's way. */
async function tidy(folder: string): Promise<void> {
  try {
    await removeLeftovers(folder);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}

/** The first of `samples.png`, `samples-2.png`, … that is not there. */
export async function freeName(stem: string, extension: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? `${stem}.${extension}` : `${stem}-${number}.${extension}`;
    if (!(await exists(name))) return name;
  }
}
