import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EngineClient, findEngine, killSilentEngine } from '../src/engine/client';
import { PROTOCOL_VERSION, type EngineRecord } from '../src/engine/protocol';
import { EngineScratch, failureOf, told } from './support/engine';

let scratch: EngineScratch;
beforeAll(async () => void (scratch = await EngineScratch.build()));
afterEach(() => scratch.endAll());
afterAll(() => scratch.remove());

const HELLO = { protocol: PROTOCOL_VERSION, token: 'x', whenWindowCloses: 'stop' } as const;
/** Enough for an engine that answers, and not long for a test of one that does not. */
const DEADLINE_MS = 2_000;

/** Takes connections and says nothing, as a process that hangs does. */
const SILENT = `
  require('node:net').createServer(() => undefined).listen(process.argv[1], () => {
    process.stdout.write('listening');
  });`;

function leaveRecord(name: string, record: Partial<EngineRecord>): string {
  const file = scratch.at(name);
  const whole = { protocol: PROTOCOL_VERSION, host: os.hostname(), token: 'x', ...record };
  writeFileSync(file, JSON.stringify(whole));
  return file;
}

describe('an engine that hangs', () => {
  it('is given up by a window that waits for its hello', async () => {
    const address = scratch.at('silent');
    const server = net.createServer(() => undefined);
    await once(server.listen(address), 'listening');
    const failure = await failureOf(EngineClient.connect(address, HELLO, 200));
    expect(failure).toEqual({ kind: 'gone', message: 'The engine does not answer.' });
    server.close();
  });

  it('is killed by a restart, and its record removed by whoever comes next', async () => {
    const address = scratch.at('hung');
    const child = spawn(process.execPath, ['-e', SILENT, address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const file = leaveRecord('hung.json', { pid: child.pid!, address });
    const exited = once(child, 'exit');
    expect(await killSilentEngine(file, 200)).toBe(child.pid);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(await findEngine(file)).toBeNull();
    expect(existsSync(file)).toBe(false);
  });

  it('is not one that answers, which keeps its windows and its training', async () => {
    const { client, pid } = await scratch.start('continue');
    await client.request('train', scratch.request({ steps: 1_000_000, previewEvery: 0 }));
    client.dispose();
    expect(await killSilentEngine(scratch.recordFile, DEADLINE_MS)).toBeNull();
    const window = await scratch.attach();
    expect(window.info).toMatchObject({ pid, training: { state: 'running' } });
    const { step } = await told(window, 'training');
    await told(window, 'training', (status) => status.step > step);
    await window.request('stop', undefined);
  });
});

describe('the record of an engine', () => {
  it('names its machine; that of another machine is left alone', async () => {
    await scratch.start();
    expect(await scratch.find()).toMatchObject({ host: os.hostname() });
    const elsewhere = { host: `${os.hostname()}-2`, pid: 1, address: scratch.at('not-here') };
    const file = leaveRecord('elsewhere.json', elsewhere);
    expect(await findEngine(file)).toBeNull();
    expect(await killSilentEngine(file, DEADLINE_MS)).toBeNull();
    expect(existsSync(file)).toBe(true);
    const ours = leaveRecord('ours.json', { pid: 1, address: scratch.at('not-here') });
    expect(await findEngine(ours)).toBeNull();
    expect(existsSync(ours)).toBe(false);
  });
});

describe('the log', () => {
  it('keeps its last lines when an engine starts, once it has grown long', async () => {
    mkdirSync(path.dirname(scratch.logFile), { recursive: true });
    const lines = Array.from({ length: 60_000 }, (_, i) => `line ${i} of an older engine\n`);
    writeFileSync(scratch.logFile, lines.join(''));
    expect(statSync(scratch.logFile).size).toBeGreaterThan(1_000_000);
    await scratch.start();
    const { log } = scratch;
    expect(log.length).toBeLessThan(110_000);
    expect(log).toMatch(/^line \d+ of an older engine\n/);
    expect(log).toContain(lines.slice(-3000).join(''));
    writeFileSync(scratch.logFile, 'short\n');
    await scratch.start();
    expect(readFileSync(scratch.logFile, 'utf8')).toMatch(/^short\n/);
  });
});
