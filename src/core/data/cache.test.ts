import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import type * as Fs from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../base/errors';
import { openSource, type OpenOptions } from './open';
import { openReader } from './reader';
import type { ImageSource } from './source';
import { plain, TempFolder } from './testing';

/** How many bytes the disk takes; a write beyond fails as a full disk does. */
const disk = vi.hoisted(() => ({ room: Infinity }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const writeSync = (fd: number, bytes: Uint8Array, ...rest: number[]) => {
    disk.room -= rest[1] ?? bytes.length;
    if (disk.room < 0) {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    }
    return fs.writeSync(fd, bytes, ...rest);
  };
  return { ...fs, default: { ...fs, writeSync }, writeSync };
});

let temp = new TempFolder();
beforeEach(async () => {
  disk.room = Infinity;
  temp.remove();
  temp = new TempFolder();
  for (let i = 0; i < 6; i++) {
    temp.write(
      `set/${i}.png`,
      await plain(8, 8, [40 * i, 10, 20])
        .png()
        .toBuffer(),
    );
  }
});
afterAll(() => temp.remove());

/** Opens the set and tells what it did. */
async function open(options: Partial<OpenOptions> = {}) {
  const work = new Set<string>();
  const source = await openSource(temp.at('set'), {
    cacheFolder: temp.at('cache'),
    onProgress: ({ what }) => work.add(what),
    ...options,
  });
  return { source, decoded: work.has('decoding images') };
}

function fileOf(source: ImageSource): string {
  if (source.origin.kind !== 'cache') throw new Error('Not a cached source.');
  return source.origin.file;
}

function reds(source: ImageSource): number[] {
  const out = new Uint8Array(source.count * 192);
  const reader = openReader(source);
  const all = Array.from({ length: source.count }, (_, i) => i);
  reader.read(all, out, new Int32Array(source.count));
  reader.close();
  return all.map((i) => out[192 * i]!);
}

describe('the cache', () => {
  it('is used again, as long as content and options are the same', async () => {
    const first = await open();
    expect(first.decoded).toBe(true);
    expect(reds(first.source)).toEqual([0, 40, 80, 120, 160, 200]);
    const second = await open();
    expect(second).toEqual({ source: first.source, decoded: false });
    expect((await open({ imageSize: 16 })).decoded).toBe(true);
    expect((await open({ channels: 1 })).decoded).toBe(true);
    expect((await open({ resize: 'contain' })).decoded).toBe(true);
    expect((await open()).decoded).toBe(false);
  });

  it('goes by content, not by time', async () => {
    const first = await open();
    utimesSync(temp.at('set/0.png'), 1, 1);
    expect(await open()).toEqual({ source: first.source, decoded: false });
  });

  it('goes by content also where size and modification time stay the same', async () => {
    const { source } = await open();
    const bytes = readFileSync(temp.at('set/0.png'));
    const other = await plain(8, 8, [7, 10, 20]).png().toBuffer();
    temp.write('set/0.png', bytes.length === other.length ? other : Buffer.concat([other]));
    const again = await open();
    expect(again.source.fingerprint).not.toBe(source.fingerprint);
    expect(reds(again.source)[0]).toBe(7);
  });

  it.each<[string, () => unknown]>([
    [
      'a new file',
      async () => temp.write('set/9.png', await plain(8, 8, [9, 9, 9]).png().toBuffer()),
    ],
    ['a file less', () => rmSync(temp.at('set/3.png'))],
    ['a file that moved', () => temp.write('set/a.png', readFileSync(temp.at('set/0.png')))],
  ])('is made anew for %s', async (_, change) => {
    const { source } = await open();
    await change();
    const again = await open();
    expect(again.decoded).toBe(true);
    expect(again.source.fingerprint).not.toBe(source.fingerprint);
  });

  it.each<[string, (file: string, bytes: Buffer) => void]>([
    ['a changed pixel', (file, bytes) => writeFileSync(file, flipped(bytes, 300))],
    ['a changed label', (file, bytes) => writeFileSync(file, flipped(bytes, 8 + 6 * 192))],
    ['a changed checksum', (file, bytes) => writeFileSync(file, flipped(bytes, 8 + 6 * 196))],
    ['a changed header', (file, bytes) => writeFileSync(file, flipped(bytes, bytes.length - 30))],
    ['a changed end', (file, bytes) => writeFileSync(file, flipped(bytes, bytes.length - 1))],
    ['a changed start', (file, bytes) => writeFileSync(file, flipped(bytes, 0))],
    ['half of it', (file, bytes) => truncateSync(file, bytes.length / 2)],
    ['nothing in it', (file) => truncateSync(file, 0)],
    ['other content', (file) => writeFileSync(file, 'x'.repeat(5000))],
    ['another cache', (file) => writeFileSync(file, otherCache(file))],
  ])('is made anew where it has %s', async (_, damage) => {
    const first = await open();
    await open({ imageSize: 16 });
    const file = fileOf(first.source);
    const whole = readFileSync(file);
    damage(file, whole);
    const again = await open();
    expect(again).toEqual({ source: first.source, decoded: true });
    expect(readFileSync(file).equals(whole)).toBe(true);
  });

  it('is not trusted by a reader either once it has changed', async () => {
    const { source } = await open();
    writeFileSync(fileOf(source), flipped(readFileSync(fileOf(source)), 300));
    expect(() => reds(source)).toThrow(UserError);
    expect(() => reds(source)).toThrow(/missing or damaged; start again/);
    rmSync(fileOf(source));
    expect(() => openReader(source)).toThrow(/missing or damaged; start again/);
  });

  it('survives a damaged manifest', async () => {
    const first = await open();
    for (const name of readdirSync(temp.at('cache'))) {
      if (name.endsWith('.json')) temp.write(`cache/${name}`, '{"0.png":[1,');
    }
    expect(await open()).toEqual({ source: first.source, decoded: false });
  });

  it('is whole when several open the set at once', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    for (const { source } of opened) expect(reds(source)).toEqual([0, 40, 80, 120, 160, 200]);
    expect(readdirSync(temp.at('cache')).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('clears away what a killed process left, and nothing of a living one', async () => {
    const dead = temp.write(`cache/f.images.999999999-0@${hostname()}.partial`, 'x');
    const alive = temp.write(`cache/f.images.${process.pid}-99@${hostname()}.partial`, 'x');
    const elsewhere = temp.write('cache/f.images.999999999-0@another-host.partial', 'x');
    await open();
    expect([dead, alive, elsewhere].map((file) => existsSync(file))).toEqual([false, true, true]);
  });

  it.each([4, 100, 900, 1200])('says so when the disk is full after %i bytes', async (room) => {
    disk.room = room;
    const opening = open();
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(
      /Cannot store decoded images at .*: the disk is full; make/,
    );
    expect(readdirSync(temp.at('cache')).filter((name) => !name.endsWith('.json'))).toEqual([]);
    disk.room = Infinity;
    expect((await open()).decoded).toBe(true);
  });

  it('says so when its folder cannot be made', async () => {
    const opening = open({ cacheFolder: temp.at('set/0.png/cache') });
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(/Cannot .* decoded images .*: a part of its path is not/);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

/** The content of another cache file in the folder. */
function otherCache(file: string): Buffer {
  const folder = temp.at('cache');
  const name = readdirSync(folder).find((n) => n.endsWith('.images') && !file.endsWith(n))!;
  return readFileSync(`${folder}/${name}`);
}
