import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FolderLook, isCheckpoint, isWeights } from './folder-look';

const scratch = mkdtempSync(path.join(os.tmpdir(), 'folder-look-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (...parts: string[]) => path.join(scratch, 'unet', ...parts);

let changes: number;
let shown: FolderLook;
/** Looks, and says how often a change was told of since the last time. */
async function look(): Promise<number> {
  changes = 0;
  await shown.look();
  return changes;
}

beforeEach(() => {
  // It looks when the test says so alone.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  mkdirSync(at(), { recursive: true });
  writeFileSync(at('net.safetensors'), 'abc');
  shown = new FolderLook(at(), isWeights, () => changes++);
});
afterEach(() => {
  shown.dispose();
  vi.useRealTimers();
  rmSync(at(), { recursive: true, force: true });
});

describe('FolderLook', () => {
  it('tells of a file that is replaced, made or removed, once', async () => {
    expect(await look()).toBe(0);
    writeFileSync(at('new'), 'abd');
    expect(await look()).toBe(0);
    renameSync(at('new'), at('net.safetensors'));
    expect([await look(), await look()]).toEqual([1, 0]);
    writeFileSync(at('net.safetensors.index.json'), '{}');
    expect([await look(), await look()]).toEqual([1, 0]);
    rmSync(at('net.safetensors'));
    expect([await look(), await look()]).toEqual([1, 0]);
  });

  it('tells that the folder goes, and that another takes its place', async () => {
    await look();
    renameSync(at(), path.join(scratch, 'gone'));
    expect([await look(), await look()]).toEqual([1, 0]);
    renameSync(path.join(scratch, 'gone'), at());
    expect([await look(), await look()]).toEqual([1, 0]);
  });

  it('does not begin a look while one is on', async () => {
    const seen: string[] = [];
    const isSeen = (name: string) => seen.push(name) > 0;
    const slow = new FolderLook(at(), isSeen, () => undefined);
    vi.advanceTimersByTime(10_000);
    await slow.look();
    expect(seen).toEqual(['net.safetensors']);
    await slow.look();
    expect(seen).toHaveLength(2);
    slow.dispose();
  });

  it('tells of a checkpoint that takes its place in a run, not of one that is being written', async () => {
    const run = new FolderLook(at(), isCheckpoint, () => changes++);
    const looked = async () => {
      changes = 0;
      await run.look();
      return changes;
    };
    expect(await looked()).toBe(0);
    mkdirSync(at('.step-000500.new'));
    expect(await looked()).toBe(0);
    renameSync(at('.step-000500.new'), at('step-000500'));
    expect([await looked(), await looked()]).toEqual([1, 0]);
    run.dispose();
  });

  it('tells nothing more when it is ended', async () => {
    await look();
    rmSync(at('net.safetensors'));
    shown.dispose();
    expect(await look()).toBe(0);
  });
});
