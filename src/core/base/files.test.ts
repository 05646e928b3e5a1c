import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundle } from '../../../test/support/bundles';
import { leftover } from '../../../test/support/leftovers';
import { UserError } from './errors';
import {
  asUserError,
  readJson,
  removeLeftovers,
  writeFileAtomic,
  writeFolderAtomic,
} from './files';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => path.join(folder, ...parts);
const fault = (code: string) => Object.assign(new Error(code), { code });

describe('asUserError', () => {
  it.each([
    ['ENOSPC', 'the disk is full; free some space or choose another folder'],
    ['EACCES', 'permission is denied; change the permissions or choose another place'],
    ['EROFS', 'the disk is read-only; choose another place'],
    ['EEXIST', 'something of that name is already there; move it away or choose another name'],
  ])('says what %s means', (code, reason) => {
    const error = asUserError(fault(code), 'write', 'a/b');
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toBe(`Cannot write a/b: ${reason}.`);
  });

  it('leaves other errors as they are', () => {
    for (const error of [new RangeError('x'), fault('EWHAT'), new UserError('y.'), 3]) {
      expect(asUserError(error, 'write', 'a')).toBe(error);
    }
  });
});

describe('writeFileAtomic', () => {
  it('replaces a file and leaves nothing beside it', async () => {
    await writeFileAtomic(at('a.txt'), 'one');
    await writeFileAtomic(at('a.txt'), 'two');
    expect(readFileSync(at('a.txt'), 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  it('fails with a sentence and leaves nothing', async () => {
    writeFileSync(at('file'), '');
    mkdirSync(at('full', 'inner'), { recursive: true });
    await expect(writeFileAtomic(at('file', 'a'), 'x')).rejects.toThrow(
      'part of the path is a file',
    );
    await expect(writeFileAtomic(at('none', 'a'), 'x')).rejects.toThrow('no such file or folder');
    await expect(writeFileAtomic(at('full'), 'x')).rejects.toThrow(UserError);
    expect(readdirSync(folder)).toEqual(['file', 'full']);
  });
});

describe('writeFolderAtomic', () => {
  const fill = (text: string) => (inner: string) => writeFile(path.join(inner, 'a'), text);

  it('makes a folder, over an empty one too', async () => {
    mkdirSync(at('empty'));
    await writeFolderAtomic(at('new', 'deep'), fill('1'));
    await writeFolderAtomic(at('empty'), fill('2'));
    expect(readFileSync(at('new', 'deep', 'a'), 'utf8')).toBe('1');
    expect(readFileSync(at('empty', 'a'), 'utf8')).toBe('2');
  });

  it('replaces a folder only when it is told to', async () => {
    await writeFolderAtomic(at('x'), fill('1'));
    await expect(writeFolderAtomic(at('x'), fill('2'))).rejects.toThrow('already there');
    expect(readFileSync(at('x', 'a'), 'utf8')).toBe('1');
    await writeFolderAtomic(at('x'), fill('3'), { replace: true });
    expect(readFileSync(at('x', 'a'), 'utf8')).toBe('3');
    expect(readdirSync(folder)).toEqual(['x']);
  });

  it('keeps the old folder whole when the new one cannot be written', async () => {
    await writeFolderAtomic(at('x'), fill('1'));
    const full = async (inner: string) => {
      await fill('2')(inner);
      throw fault('ENOSPC');
    };
    const options = { replace: true, doing: 'write the thing' };
    await expect(writeFolderAtomic(at('x'), full, options)).rejects.toThrow(
      `Cannot write the thing ${at('x')}: the disk is full`,
    );
    expect(readFileSync(at('x', 'a'), 'utf8')).toBe('1');
    expect(readdirSync(folder)).toEqual(['x']);
  });
});

describe('removeLeftovers', () => {
  it('removes what a dead process left and moves back what it had moved aside', async () => {
    mkdirSync(at(leftover('a')));
    mkdirSync(at(leftover('b', { kind: 'old' })));
    mkdirSync(at(leftover('c', { kind: 'old' })));
    mkdirSync(at('c'));
    writeFileSync(at(leftover('d', { pid: process.pid })), 'from an earlier life of our number');
    writeFileSync(at('.keep'), '');
    expect(await removeLeftovers(folder)).toHaveLength(4);
    expect(readdirSync(folder).sort()).toEqual(['.keep', 'b', 'c']);
  });

  it('leaves alone what is being written, here and on machines that share the disk', async () => {
    const others = [leftover('a', { pid: process.ppid }), leftover('a', { host: 'deadbeef' })];
    for (const name of others) writeFileSync(at(name), '');
    await writeFolderAtomic(at('x'), async (inner) => {
      await removeLeftovers(folder);
      await writeFile(path.join(inner, 'a'), '1');
    });
    expect(readdirSync(folder).sort()).toEqual([...others.sort(), 'x']);
  });

  it('leaves alone what another thread of this process is writing', async () => {
    const file = await bundle('src/core/base/files.ts', at('files.cjs'));
    const code = `
      const { once } = require('node:events');
      const { parentPort, workerData } = require('node:worker_threads');
      const { writeFolderAtomic } = require(workerData.file);
      const fill = () => {
        parentPort.postMessage('writing');
        return once(parentPort, 'message');
      };
      writeFolderAtomic(workerData.target, fill).then(() => parentPort.close());`;
    const thread = new Worker(code, { eval: true, workerData: { file, target: at('x', 'y') } });
    await once(thread, 'message');
    expect(await removeLeftovers(at('x'))).toEqual([]);
    thread.postMessage('go on');
    await once(thread, 'exit');
    expect(readdirSync(at('x'))).toEqual(['y']);
  });

  it('finds nothing in a folder that is not there', async () => {
    expect(await removeLeftovers(at('none'))).toEqual([]);
  });
});

describe('readJson', () => {
  it('names the file that is not JSON', async () => {
    writeFileSync(at('a.json'), '{"a": 1');
    writeFileSync(at('b.json'), '');
    await expect(readJson(at('a.json'))).rejects.toThrow(`${at('a.json')} is not valid JSON`);
    await expect(readJson(at('b.json'))).rejects.toThrow('(it is empty)');
    await expect(readJson(at('c.json'))).rejects.toThrow('Cannot read');
    await expect(readJson(folder)).rejects.toThrow('it is a folder, not a file');
  });
});
