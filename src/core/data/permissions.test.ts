import type * as Fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UserError } from '../base/errors';
import { openSource } from './open';
import { plain, TempFolder } from './testing';

/** A file system that refuses: names with `locked` may not be read, those with `fixed` not written. */
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const refuse = (code: string, syscall: string) => {
    throw Object.assign(new Error(code), { code, syscall });
  };
  const guard = (name: unknown, mode?: unknown) => {
    if (String(name).includes('locked')) refuse('EACCES', 'open');
    if (String(name).includes('fixed') && mode === 'wx') refuse('EROFS', 'open');
  };
  const guarded = {
    openSync: (name: string, mode: string) => (guard(name, mode), fs.openSync(name, mode)),
    readFileSync: (name: string, as?: 'utf8') => (guard(name), fs.readFileSync(name, as)),
    readdirSync: (name: string, as: { withFileTypes: true }) => (
      guard(name),
      fs.readdirSync(name, as)
    ),
  };
  return { ...fs, ...guarded, default: { ...fs, ...guarded } };
});

const temp = new TempFolder();
beforeAll(async () => {
  const png = await plain(8, 8, [1, 2, 3]).png().toBuffer();
  for (const name of ['open/1.png', 'open/locked.png', 'open/locked/2.png', 'locked/1.png']) {
    temp.write(name, png);
  }
});
afterAll(() => temp.remove());

describe('without permission', () => {
  it('files and folders are skipped with a reason', async () => {
    const source = await openSource(temp.at('open'), { cacheFolder: temp.at('cache') });
    expect(source.count).toBe(1);
    expect(source.skipped).toEqual([
      { path: 'locked', reason: 'the folder cannot be opened, there is no permission' },
      { path: 'locked.png', reason: 'there is no permission' },
    ]);
  });

  it('a data set cannot be opened', async () => {
    const opening = openSource(temp.at('locked'), { cacheFolder: temp.at('cache') });
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(/Cannot open .*locked: there is no permission; give/);
    const idx = openSource(`idx:${temp.at('locked/1.png')}`, { cacheFolder: temp.at('cache') });
    await expect(idx).rejects.toThrow(UserError);
    await expect(idx).rejects.toThrow(/Cannot read .*1\.png: there is no permission; give/);
  });

  it('a read-only cache folder is an error that names it', async () => {
    const opening = openSource(temp.at('open'), { cacheFolder: temp.at('fixed') });
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(
      /Cannot store decoded images at .*fixed.*: the disk is read-only; make room or give access/,
    );
  });
});
