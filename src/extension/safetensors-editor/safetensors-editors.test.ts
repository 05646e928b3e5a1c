import { beforeEach, expect, it, vi } from 'vitest';
import type { WebviewPanel } from 'vscode';
import type { Services } from '../services';
import { SafetensorsEditors } from './safetensors-editors';

/** What the editor would have been asked, and what was told to the view. */
const told = vi.hoisted(() => {
  return {
    open: [] as (() => unknown)[],
    posted: [] as { type: string; message?: string; canRetry?: boolean }[],
    compared: [] as unknown[],
  };
});

vi.mock('vscode', () => ({
  Uri: { file: (fsPath: string) => ({ scheme: 'file', fsPath, path: fsPath }) },
  commands: { executeCommand: () => told.open.shift()?.() },
  window: { registerCustomEditorProvider: () => ({ dispose: () => undefined }) },
}));
vi.mock('../panels/panel', () => ({
  viewType: (view: string) => view,
  panelOptions: () => ({}),
  Panel: class {
    constructor(...[, , , { hydrate }]: [unknown, unknown, unknown, { hydrate: () => void }]) {
      queueMicrotask(hydrate);
    }
    post(message: { type: string }) {
      told.posted.push(message);
    }
  },
}));
vi.mock('./safetensors-session', () => ({
  SafetensorsSession: class {
    compareWith(other: unknown) {
      told.compared.push(other);
    }
  },
}));

const FILE = '/m/net.safetensors';
const OTHER = { path: '/m/other.safetensors', label: 'other' };
let editors: SafetensorsEditors;

beforeEach(() => {
  SafetensorsEditors.register({ extensionUri: null } as unknown as Services);
  editors = (SafetensorsEditors as unknown as { current: SafetensorsEditors }).current;
  for (const list of Object.values(told)) list.length = 0;
});

/** The editor opens a document, as `vscode.openWith` and the explorer do. */
function resolve(uri: object): void {
  const panel = { webview: {} } as WebviewPanel;
  editors.resolveCustomEditor({ uri } as never, panel);
}
const fileUri = { scheme: 'file', fsPath: FILE, path: FILE };

it('opens a file on the comparison that was asked for', async () => {
  told.open.push(() => resolve(fileUri));
  await SafetensorsEditors.show(FILE, OTHER);
  expect(told.compared).toEqual([OTHER]);
});

it('forgets the comparison where the file could not be opened', async () => {
  told.open.push(() => Promise.reject(new Error('no editor')));
  await expect(SafetensorsEditors.show(FILE, OTHER)).rejects.toThrow('no editor');
  resolve(fileUri);
  expect(told.compared).toEqual([]);
});

it('forgets one that came to nothing when the file is opened without', async () => {
  told.open.push(
    () => undefined,
    () => resolve(fileUri),
  );
  await SafetensorsEditors.show(FILE, OTHER);
  await SafetensorsEditors.show(FILE);
  expect(told.compared).toEqual([]);
});

it.each([
  ['git', /^This is net\.safetensors as Git has it, .*: check this version out/],
  ['vscode-vfs', /^net\.safetensors lies in “vscode-vfs:”, .*: save it as a file/],
])('says of a document of %s: that it is not read, and why', async (scheme, sentence) => {
  resolve({ scheme, fsPath: FILE, path: FILE, toString: () => `${scheme}:${FILE}` });
  await Promise.resolve();
  expect(told.posted.map(({ type }) => type)).toEqual(['hydrate', 'unreadable']);
  expect(told.posted[1]).toMatchObject({
    message: expect.stringMatching(sentence) as string,
    canRetry: false,
  });
  // The file itself, of the same path, is opened as ever.
  told.open.push(() => resolve(fileUri));
  await SafetensorsEditors.show(FILE, OTHER);
  expect(told.compared).toEqual([OTHER]);
});
