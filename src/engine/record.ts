import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../core/base/files';
import type { EngineRecord } from './protocol';

/** Writes how this engine is found, for its user's eyes alone, whole or not at all. */
export async function writeRecord(file: string, record: EngineRecord): Promise<void> {
  await makeFolder(path.dirname(file));
  const temporary = `${file}.${process.pid}-${randomBytes(3).toString('hex')}`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(record));
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Removes the record, unless another engine has written its own there. */
export async function removeRecord(file: string, token: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.includes(JSON.stringify(token))) await rm(file, { force: true });
}
