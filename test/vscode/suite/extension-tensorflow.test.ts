import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { platformProblem } from '../../../src/core/runtime/tensorflow/install-protocol';
import type { DiffusionApi } from '../../../src/extension/extension';
import { fakeNpm, STALLED, type FakeNpm } from '../../support/fake-npm';
import { answering, diffusion } from './support';

/** What the user was told or asked: the level, the sentence, and what a dialog says beside it. */
interface Said {
  readonly level: 'info' | 'warning' | 'error';
  readonly message: string;
  readonly detail: string | null;
  readonly buttons: readonly string[];
}

interface Shown {
  readonly said: Said[];
  /** Lines of the progress. */
  readonly lines: string[];
  options: vscode.ProgressOptions | null;
}

type OnLine = (line: string, cancel: () => void) => void;

describe('The installation of TensorFlow', function () {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-tensorflow-'));
  const own = { ...process.env };
  let api: DiffusionApi;
  let cache: string;

  before(async function () {
    // npm is a script of the shell's here.
    if (platformProblem() !== null || process.platform !== 'linux') this.skip();
    api = await diffusion();
    cache = api.services.engine.places.cacheFolder;
  });

  const left = () =>
    existsSync(cache) ? readdirSync(cache).filter((name) => name.includes('tensorflow')) : [];

  beforeEach(() => assert.deepEqual(left(), []));
  afterEach(() => {
    Object.assign(process.env, { PATH: own['PATH'] });
    delete process.env['FAKE_NPM'];
    for (const name of left()) rmSync(path.join(cache, name), { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  /** Runs the command with an npm that does as told, and gives what was shown meanwhile. */
  async function install(
    npm: FakeNpm,
    answer: string | undefined,
    onLine: OnLine = () => undefined,
  ): Promise<Shown> {
    const scratch = { at: (...parts: string[]) => path.join(folder, ...parts) };
    Object.assign(process.env, fakeNpm(scratch, npm));
    const shown: Shown = { said: [], lines: [], options: null };
    const note =
      (level: Said['level']) =>
      (message: string, ...rest: (string | vscode.MessageOptions)[]) => {
        const options = rest.find((each) => typeof each === 'object');
        const buttons = rest.filter((each) => typeof each === 'string');
        shown.said.push({ level, message, detail: options?.detail ?? null, buttons });
        return Promise.resolve(options ? answer : undefined);
      };
    const dialogs = {
      showInformationMessage: note('info'),
      showWarningMessage: note('warning'),
      showErrorMessage: note('error'),
      withProgress: (options: vscode.ProgressOptions, work: Work) => {
        shown.options = options;
        const source = new vscode.CancellationTokenSource();
        const report = ({ message = '' }: { message?: string }) => {
          shown.lines.push(message);
          onLine(message, () => source.cancel());
        };
        return work({ report }, source.token);
      },
    };
    await answering(dialogs, () => vscode.commands.executeCommand('diffusion.installTensorflow'));
    return shown;
  }

  it('asks first, says what it needs and what it downloads, and does nothing where it may not', async () => {
    const { said, options } = await install('installs', undefined);
    assert.equal(said.length, 1);
    assert.match(said[0]!.message, /^Install TensorFlow’s CUDA runtime\?$/);
    assert.match(said[0]!.detail!, /NVIDIA GPU with CUDA 11\.2 and cuDNN 8\.1/);
    assert.match(said[0]!.detail!, /400 MB .* npm registry .*storage\.googleapis\.com/);
    assert.equal(options, null);
    assert.deepEqual(left(), []);
  });

  it('tells how it goes on, and why the device does not work yet', async () => {
    const { said, options, lines } = await install('installs', 'Install');
    assert.equal(options?.cancellable, true);
    assert.deepEqual(lines, ['* Downloading libtensorflow', 'trying whether it works here']);
    const [, end] = said;
    assert.equal(end?.level, 'warning');
    assert.match(
      end.message,
      /^TensorFlow is installed, but does not work here yet: .*no NVIDIA GPU/,
    );
    assert.deepEqual(end.buttons, ['Run Doctor']);
    assert.deepEqual(left(), ['tensorflow']);
  });

  it('says why it failed, and leaves nothing', async () => {
    const { said } = await install('fails', 'Install');
    const [, end] = said;
    assert.equal(end?.level, 'warning');
    assert.equal(
      end.message,
      'TensorFlow could not be installed: storage.example.com cannot be reached from here; nothing was kept, so mend that and try again.',
    );
    assert.deepEqual(end.buttons, ['Show Log']);
    assert.deepEqual(left(), []);
  });

  it('leaves nothing where it is cancelled while npm runs, and says no more', async () => {
    const { said, lines } = await install('hangs', 'Install', (line, cancel) => {
      if (line.startsWith('started')) cancel();
    });
    assert.ok(lines.some((line) => line.startsWith('started')));
    assert.equal(said.length, 1);
    assert.deepEqual(left(), []);
  });

  it('ends the trial where it is cancelled then, and says that it is installed', async function () {
    // The trial's own deadline is 30 s.
    this.timeout(25_000);
    const { said } = await install('stalls', 'Install', (line, cancel) => {
      if (line.startsWith('trying')) cancel();
    });
    assert.deepEqual(said.slice(1), [
      {
        level: 'info',
        message: 'TensorFlow is installed; whether it works here was not tried.',
        detail: null,
        buttons: ['Run Doctor'],
      },
    ]);
    assert.deepEqual(left(), ['tensorflow']);
    assert.equal(existsSync(path.join(cache, path.dirname(STALLED), 'package.json')), true);
  });
});

type Work = (
  progress: vscode.Progress<{ message?: string }>,
  token: vscode.CancellationToken,
) => Promise<unknown>;
