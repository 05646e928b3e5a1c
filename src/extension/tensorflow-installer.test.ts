import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { Scratch } from '../../test/support/bundles';
import { runInstaller } from './tensorflow-installer';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A process in the installer's place. */
function installer(name: string, code: string): string {
  const file = scratch.at(`${name}.cjs`);
  writeFileSync(file, code);
  return file;
}

const never = new AbortController().signal;
const nothing = () => undefined;

describe('the installer of TensorFlow', () => {
  it('is told the folder, and tells its lines and its end', async () => {
    const file = installer(
      'ends',
      `process.send({ kind: 'progress', line: process.argv[2] });
       process.send({ kind: 'done', works: true, reason: null }, () => process.disconnect());`,
    );
    const lines: string[] = [];
    const end = await runInstaller(file, '/cache', (line) => lines.push(line), never);
    expect(lines).toEqual(['/cache']);
    expect(end).toEqual({ kind: 'done', works: true, reason: null });
  });

  it('is left when it is stopped, and waited for', async () => {
    const file = installer(
      'stops',
      `process.on('disconnect', () => process.exit());
       process.send({ kind: 'progress', line: 'begun' });`,
    );
    const stop = new AbortController();
    const end = await runInstaller(file, '/cache', () => stop.abort(), stop.signal);
    expect(end).toEqual({ kind: 'stopped' });
    expect(await runInstaller(file, '/cache', nothing, stop.signal)).toEqual({ kind: 'stopped' });
  });

  it('that is stopped while it tries the device has installed it', async () => {
    const file = installer(
      'tries',
      `process.on('disconnect', () => process.exit());
       process.send({ kind: 'installed' });`,
    );
    const stop = new AbortController();
    const lines: string[] = [];
    const onLine = (line: string) => {
      lines.push(line);
      stop.abort();
    };
    expect(await runInstaller(file, '/cache', onLine, stop.signal)).toEqual({ kind: 'untried' });
    expect(lines).toEqual(['trying whether it works here']);
  });

  it.each([
    ['fails', `process.send({ kind: 'failed', message: 'No.' }, () => process.exit());`, 'No.'],
    ['dies', 'process.exit(3);', 'TensorFlow was not installed: its installer ended (code 3).'],
    [
      'dies trying',
      `process.send({ kind: 'installed' }, () => process.exit(3));`,
      'TensorFlow is installed, but was not tried: its installer ended (code 3).',
    ],
  ])('that %s says so', async (name, code, message) => {
    const end = await runInstaller(installer(name, code), '/cache', nothing, never);
    expect(end).toEqual({ kind: 'failed', message });
  });
});
