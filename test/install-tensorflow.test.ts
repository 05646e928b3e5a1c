import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../src/core/base/this-process';
import {
  platformProblem,
  type InstallMessage,
} from '../src/core/runtime/tensorflow/install-protocol';
import { CommandLine, eventsOf } from './support/cli';
import { bundle } from './support/bundles';
import { fakeNpm, STALLED, startedIn } from './support/fake-npm';

let cli: CommandLine;
let installer: string;
let places = 0;
let cache: string;

beforeAll(async () => {
  cli = await CommandLine.build();
  const source = 'src/core/runtime/tensorflow/install-process.ts';
  installer = await bundle(source, cli.at('dist', 'tensorflow-install.js'));
});
afterAll(() => cli.remove());
beforeEach(() => {
  cache = cli.at(`cache-${places++}`);
});

const left = () => (existsSync(cache) ? readdirSync(cache) : []);
const run = (mode: Parameters<typeof fakeNpm>[1], args: readonly string[] = ['--yes', '--json']) =>
  cli.run(['install-tensorflow', ...args], {
    env: { ...fakeNpm(cli, mode), DIFFUSION_LAB_CACHE: cache },
  });

/** Whether a process computes no more; one that nobody has fetched is still listed. */
function isGone(pid: number): boolean {
  if (!isAlive(pid)) return true;
  return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

const FAILURE =
  /^TensorFlow could not be installed: storage\.example\.com cannot be reached from here; nothing was kept, so mend that and try again\.$/;

// npm is a script of the shell's here, and the package is made for x64.
const here = platformProblem() === null && process.platform === 'linux';

describe.runIf(here)('diffusion-lab install-tensorflow', () => {
  it('installs, tries the device, and says that there is no GPU', async () => {
    const finished = await run('installs');
    expect(finished.code).toBe(0);
    expect(finished.stderr).toMatch(/CUDA 11\.2 and cuDNN 8\.1.*400 MB/);
    const events = eventsOf(finished);
    expect(events[0]).toEqual({ type: 'progress', line: '* Downloading libtensorflow' });
    expect(events.at(-1)).toMatchObject({ type: 'done', works: false });
    expect(String(events.at(-1)!.reason)).toMatch(/TensorFlow found no NVIDIA GPU/);
    expect(left()).toEqual(['tensorflow']);
  });

  it.each([
    ['fails', FAILURE],
    ['lacks', /npm did not fetch the native part of the package; nothing was kept/],
  ] as const)('leaves what was there where npm %s, and says why', async (mode, sentence) => {
    expect((await run(mode)).stderr).toMatch(/^error: .*nothing was kept.*$/m);
    expect(left()).toEqual([]);
    await run('installs');
    writeFileSync(`${cache}/tensorflow/mark`, '');
    const { code, stderr } = await run(mode);
    expect(code).toBe(2);
    const last = stderr.trimEnd().split('\n').at(-1)!;
    expect(last.replace(/^error: /, '')).toMatch(sentence);
    expect(left()).toEqual(['tensorflow']);
    expect(existsSync(`${cache}/tensorflow/mark`)).toBe(true);
  });

  it('ends all that npm has started when it is stopped, and leaves nothing', async () => {
    let started: number[] | null = null;
    const { code } = await cli.run(['install-tensorflow', '--yes', '--json'], {
      env: { ...fakeNpm(cli, 'hangs'), DIFFUSION_LAB_CACHE: cache },
      onLine: (line, child) => {
        started ??= startedIn(line);
        if (started) child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(started!.map(isGone)).toEqual([true, true]);
    expect(left()).toEqual([]);
  });

  it('does nothing unasked', async () => {
    const { code, stderr } = await run('installs', ['--json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: Nobody can be asked here .*; give --yes\.$/m);
    expect(left()).toEqual([]);
  });
});

describe.runIf(here)('the process that installs for the editor', () => {
  function start(mode: Parameters<typeof fakeNpm>[1], onLine: (line: string) => void) {
    const env = { ...process.env, ...fakeNpm(cli, mode) };
    const child = fork(installer, [cache], { env, silent: true });
    const ended = new Promise<InstallMessage | null>((resolve) => {
      let last: InstallMessage | null = null;
      child.on('message', (message: InstallMessage) => {
        last = message;
        if (message.kind === 'progress') onLine(message.line);
      });
      child.on('exit', () => resolve(last));
    });
    return { child, ended };
  }

  it('tells of its progress, and how the device does', async () => {
    const lines: string[] = [];
    const last = await start('installs', (line) => lines.push(line)).ended;
    expect(lines).toEqual(['* Downloading libtensorflow']);
    expect(last).toMatchObject({ kind: 'done', works: false });
    expect(left()).toEqual(['tensorflow']);
  });

  it('tells why it failed', async () => {
    const last = await start('fails', () => undefined).ended;
    expect(last).toEqual({ kind: 'failed', message: expect.stringMatching(FAILURE) });
    expect(left()).toEqual([]);
  });

  // The trial's own deadline is 30 s.
  it('stops the trial of the device when its parent leaves, and keeps the package', async () => {
    const { child, ended } = start('stalls', () => undefined);
    await expect.poll(() => existsSync(path.join(cache, STALLED)), { timeout: 15_000 }).toBe(true);
    const trial = Number(readFileSync(path.join(cache, STALLED), 'utf8'));
    expect(isGone(trial)).toBe(false);
    child.disconnect();
    expect(await ended).toEqual({ kind: 'installed' });
    expect(isGone(trial)).toBe(true);
    expect(left()).toEqual(['tensorflow']);
  }, 25_000);

  it('stops, with all that npm has started, when its parent leaves', async () => {
    const holder: { child?: ChildProcess } = {};
    let started: number[] | null = null;
    mkdirSync(cache);
    const { child, ended } = start('hangs', (line) => {
      started ??= startedIn(line);
      if (started && holder.child?.connected) holder.child.disconnect();
    });
    holder.child = child;
    await Promise.all([ended, once(child, 'exit')]);
    expect(started!.map(isGone)).toEqual([true, true]);
    expect(left()).toEqual([]);
  });
});
