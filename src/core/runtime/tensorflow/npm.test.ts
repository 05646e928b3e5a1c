import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Scratch } from '../../../../test/support/bundles';
import { StoppedError } from '../../base/errors';
import { findNpm, runNpm } from './npm';

const scratch = new Scratch();
afterAll(() => scratch.remove());

function file(name: string, mode = 0o755): string {
  const whole = scratch.at(name);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, '', { mode });
  return whole;
}

describe('findNpm', () => {
  it.runIf(process.platform !== 'win32')('takes the path’s first, then the one by Node', () => {
    file('plain/npm', 0o644);
    const first = file('first/npm');
    const beside = file('node/npm');
    const node = file('node/node');
    const search = ['plain', 'first'].map((name) => scratch.at(name)).join(path.delimiter);
    expect(findNpm(search, node, 'linux')).toEqual({ command: first, args: [] });
    expect(findNpm('', node, 'linux')).toEqual({ command: beside, args: [] });
    expect(findNpm(scratch.at('plain'), scratch.at('nowhere', 'node'), 'linux')).toBeNull();
  });

  it('calls npm’s script by its Node on Windows, where npm itself needs a shell', () => {
    const script = file(path.join('nodejs', 'node_modules', 'npm', 'bin', 'npm-cli.js'));
    const node = file(path.join('nodejs', 'node.exe'));
    expect(findNpm(scratch.at('nodejs'), '/nowhere', 'win32')).toEqual({
      command: node,
      args: [script],
    });
    expect(findNpm(scratch.at('first'), '/nowhere', 'win32')).toBeNull();
  });
});

describe('runNpm', () => {
  const node = { command: process.execPath, args: ['-e'] };

  it('tells whole lines of both streams, and how it ended', async () => {
    const lines: string[] = [];
    const code = 'console.log("one\\ntwo"); process.stderr.write("three"); process.exitCode = 4;';
    const ended = await runNpm(node, [code], scratch.path, (line) => lines.push(line));
    expect(ended.code).toBe(4);
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
    expect(ended.output).toContain('three');
  });

  it('does not begin when it is stopped before', async () => {
    const run = runNpm(
      node,
      ['process.exit()'],
      scratch.path,
      () => undefined,
      AbortSignal.abort(),
    );
    await expect(run).rejects.toThrow(StoppedError);
  });

  it('fails where the program is not there', async () => {
    const absent = { command: scratch.at('absent'), args: [] };
    await expect(runNpm(absent, [], scratch.path, () => undefined)).rejects.toThrow(/ENOENT/);
  });
});
