import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, Scratch } from '../../../test/support/bundles';
import { leftover } from '../../../test/support/leftovers';
import { UserError } from '../base/errors';
import { removeLeftovers } from '../base/files';
import { lockRun, writerOf } from './run-lock';

const scratch = new Scratch();
let racer: string;
beforeAll(async () => {
  racer = await bundle('test/support/lock-racer.ts', scratch.at('lock-racer.cjs'));
});
afterAll(() => scratch.remove());

function newRun(name: string): string {
  const run = scratch.at(name);
  mkdirSync(run);
  return run;
}

/** Leaves a lock as a process of that number would. */
function leaveLock(run: string, owner: object): void {
  writeFileSync(path.join(run, '.lock'), JSON.stringify({ host: os.hostname(), ...owner }));
}

/** A number that no process has. */
const GONE = 2 ** 22 + 1;

describe('the lock of a run', () => {
  it('refuses a second writer in the same process until the first is done', async () => {
    const run = newRun('same');
    const unlock = await lockRun(run);
    await expect(lockRun(run)).rejects.toThrow(UserError);
    await expect(lockRun(run)).rejects.toThrow(
      `same is being trained by process ${process.pid}; stop that first, or, if it is gone, delete ${path.join(run, '.lock')}.`,
    );
    expect(await writerOf(run)).toBe(`process ${process.pid}`);
    await unlock();
    expect(await writerOf(run)).toBeNull();
    await (
      await lockRun(run)
    )();
    expect(readdirSync(run)).toEqual([]);
  });

  it('is respected by the other threads of its process until they are done', async () => {
    const run = newRun('thread');
    const file = await bundle('src/core/checkpoint/run-lock.ts', scratch.at('run-lock.cjs'));
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const { lockRun } = require(workerData.file);
      const unlock = lockRun(workerData.run);
      unlock.then(() => parentPort.postMessage('locked'));
      parentPort.once('message', async () => (await unlock)());`;
    const thread = new Worker(code, { eval: true, workerData: { file, run } });
    await once(thread, 'message');
    const writer = `process ${process.pid}`;
    expect(await writerOf(run)).toBe(writer);
    await expect(lockRun(run)).rejects.toThrow(`thread is being trained by ${writer}`);
    thread.postMessage('unlock');
    await once(thread, 'exit');
    expect(await writerOf(run)).toBeNull();
    await (
      await lockRun(run)
    )();
  });

  it.each([
    ['of a process that is gone', { pid: GONE }],
    ['of an earlier process of our own number', { pid: process.pid }],
    ['that is no lock', { horse: 1 }],
  ])('is taken over: %s', async (name, owner) => {
    const run = newRun(name);
    leaveLock(run, owner);
    expect(await writerOf(run)).toBeNull();
    const unlock = await lockRun(run);
    expect(await writerOf(run)).toBe(`process ${process.pid}`);
    await unlock();
  });

  it('is taken over from a process that died while it took over another', async () => {
    const run = newRun('guarded');
    leaveLock(run, { pid: GONE });
    const guard = path.join(run, '.lock.guard');
    writeFileSync(guard, '');
    await expect(lockRun(run)).rejects.toThrow('guarded is being trained by another process');
    utimesSync(guard, 0, 0);
    const unlock = await lockRun(run);
    expect(existsSync(guard)).toBe(false);
    await unlock();
  });

  it.each([
    ['of another process that runs', { pid: process.ppid }, `process ${process.ppid}`],
    ['of another machine', { pid: GONE, host: 'elsewhere' }, `process ${GONE} on elsewhere`],
  ])('is respected: %s', async (name, owner, writer) => {
    const run = newRun(name);
    leaveLock(run, owner);
    expect(await writerOf(run)).toBe(writer);
    await expect(lockRun(run)).rejects.toThrow(`is being trained by ${writer}; stop that first`);
    expect(existsSync(path.join(run, '.lock'))).toBe(true);
  });

  it.runIf(process.platform === 'linux')(
    'is taken over where its number has gone to another process',
    async () => {
      const run = newRun('reused');
      leaveLock(run, { pid: process.ppid, start: '1' });
      expect(await writerOf(run)).toBeNull();
      await (
        await lockRun(run)
      )();
    },
  );

  it('is no one’s where there is none, and never a crash’s leftover', async () => {
    const run = newRun('none');
    expect(await writerOf(run)).toBeNull();
    expect(await writerOf(scratch.at('absent'))).toBeNull();
    writeFileSync(path.join(run, leftover('.lock')), '');
    await removeLeftovers(run);
    expect(readdirSync(run)).toEqual([]);
  });
});

describe('of several processes that start at once', () => {
  const RACERS = 4;
  const RUNS = 150;

  it.each(['free', 'left by a crash'])('one gets each lock that is %s', async (kind) => {
    const parent = newRun(`race ${kind}`);
    const runs = Array.from({ length: RUNS }, (_, i) => path.join(parent, String(i)));
    for (const run of runs) {
      mkdirSync(run);
      if (kind !== 'free') leaveLock(run, { pid: GONE });
    }
    const racers = Array.from({ length: RACERS }, () => fork(racer, runs));
    const message = (racer: (typeof racers)[number]) =>
      new Promise<unknown>((resolve, reject) => {
        racer.once('message', resolve);
        racer.once('exit', (code) => reject(new Error(`a racer ended with ${code}`)));
      });
    await Promise.all(racers.map(message));
    const results = Promise.all(racers.map(message));
    racers.forEach((racer) => racer.send('go'));
    const won = (await results) as number[][];
    racers.forEach((racer) => racer.send('end'));
    expect(won.flat().sort((a, b) => a - b)).toEqual(runs.map((_, i) => i));
  });
});
