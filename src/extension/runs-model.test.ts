import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { RunSummary } from '../engine/protocol';
import type { EngineHost } from './engine-host';
import { RunsModel } from './runs-model';
import type { Settings } from './settings';

vi.mock('vscode', async () => {
  const { EventEmitter: Emitter } = await import('node:events');
  class EventEmitter {
    private readonly emitter = new Emitter();
    event = (listener: (value: unknown) => void) => {
      this.emitter.on('fired', listener);
      return { dispose: () => this.emitter.off('fired', listener) };
    };
    fire = (value: unknown) => this.emitter.emit('fired', value);
    dispose = () => this.emitter.removeAllListeners();
  }
  return { EventEmitter, commands: { executeCommand: () => Promise.resolve() } };
});

vi.mock('./runs-watcher', () => ({
  RunsWatcher: class {
    start = () => undefined;
    dispose = () => undefined;
  },
}));

/** An engine that lists each folder as it is told to. */
class FakeEngine {
  readonly asked: string[] = [];
  readonly answers = new Map<string, readonly RunSummary[] | Error>();
  private healthListener: ((health: unknown) => void) | null = null;

  request(_: string, { folder }: { folder: string }): Promise<readonly RunSummary[]> {
    this.asked.push(path.basename(folder));
    const answer = this.answers.get(path.basename(folder)) ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  }

  onDidChangeHealth = (listener: (health: unknown) => void) => {
    this.healthListener = listener;
    return { dispose: () => (this.healthListener = null) };
  };

  comesUp(): void {
    this.healthListener?.({ state: 'up', message: null });
  }
}

const summary = (name: string, createdAt: number) =>
  ({ path: `/runs/${name}`, name, createdAt }) as RunSummary;

describe('The list of runs', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'runs-model-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const modelOf = (...names: string[]) => {
    const folders = names.map((name) => path.join(root, name));
    folders.forEach((folder) => mkdirSync(folder));
    const engine = new FakeEngine();
    const model = new RunsModel(
      engine as unknown as EngineHost,
      { runsFolders: folders } as unknown as Settings,
      { warn: () => undefined } as unknown as vscode.LogOutputChannel,
    );
    return { engine, model };
  };

  it('that cannot be read is not read again by those that merely look at it', async () => {
    const { engine, model } = modelOf('a');
    engine.answers.set('a', new Error('The engine does not start.'));
    let looks = 0;
    // As the tree does: whenever it changed, it is looked at.
    const settled = new Promise<void>((resolve) => {
      model.onDidChange(() => {
        if (++looks < 5) void model.read().then(() => resolve());
      });
    });
    await model.read();
    await settled;
    await model.read();
    expect(engine.asked).toEqual(['a']);
    expect(model.message).toBe('The engine does not start.');
    engine.answers.set('a', [summary('one', 1)]);
    await model.refresh();
    expect(model.runs.map(({ name }) => name)).toEqual(['one']);
    expect(model.message).toBeNull();
  });

  it('is read again when an engine is there at last', async () => {
    const { engine, model } = modelOf('a');
    engine.answers.set('a', new Error('The engine does not start.'));
    await model.read();
    engine.answers.set('a', [summary('one', 1)]);
    const changed = new Promise<void>((resolve) => model.onDidChange(() => resolve()));
    engine.comesUp();
    await changed;
    expect(model.runs.map(({ name }) => name)).toEqual(['one']);
  });

  it('shows the folders that can be read, and says what is wrong with the other', async () => {
    const { engine, model } = modelOf('a', 'b', 'c');
    engine.answers.set('a', [summary('old', 1)]);
    engine.answers.set('b', new Error('b may not be read.'));
    engine.answers.set('c', [summary('new', 2)]);
    await model.read();
    expect(model.runs.map(({ name }) => name)).toEqual(['new', 'old']);
    expect(model.message).toBe('b may not be read.');
  });

  it('keeps what it knew of a folder that cannot be read any more', async () => {
    const { engine, model } = modelOf('a', 'b');
    engine.answers.set('a', [summary('kept', 1)]);
    await model.read();
    engine.answers.set('a', new Error('a may not be read.'));
    engine.answers.set('b', new Error('a may not be read.'));
    await model.refresh();
    expect(model.runs.map(({ name }) => name)).toEqual(['kept']);
    expect(model.message).toBe('a may not be read.');
  });
});
