import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ShownComparison } from '../../../webview/protocol';
import type { WeightsComparison } from '../../engine/protocol';
import { KeptComparison } from './kept-comparison';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const FILE = '/m/unet/net-00001-of-00002.safetensors';
const OTHER = { path: '/runs/digits-1', label: 'digits-1' };
const RESULT = { a: FILE, b: '/runs/digits-1/checkpoints/step-4/unet/net.safetensors' };
const B_FOLDER = '/runs/digits-1/checkpoints/step-4/unet';

/** A comparison whose engine and disk are the test's. */
function kept() {
  const asked: {
    other: string;
    signal: AbortSignal;
    settle: (result?: unknown) => void;
    fail: (message: string) => void;
  }[] = [];
  const watched = new Map<string, () => void>();
  const meant = new Map<string, (name: string) => boolean>();
  const shown: (ShownComparison | null)[] = [];
  const comparison = new KeptComparison(FILE, {
    compare: (other, signal) =>
      new Promise<WeightsComparison>((resolve, reject) => {
        const settle = (result: unknown = RESULT) => resolve(result as WeightsComparison);
        const fail = (message: string) => reject(new Error(message));
        asked.push({ other, signal, settle, fail });
      }),
    watch: (folder, isMeant, changed) => {
      meant.set(folder, isMeant);
      watched.set(folder, changed);
      return { dispose: () => watched.delete(folder) };
    },
    show: (next) => shown.push(next),
    sentence: (error) => (error as Error).message,
  });
  const change = (folder: string) => watched.get(folder)!();
  const settled = () => vi.advanceTimersByTimeAsync(300);
  return { comparison, asked, watched, meant, shown, change, settled };
}

/** One that is shown. */
async function done() {
  const made = kept();
  void made.comparison.start(OTHER);
  made.asked[0]!.settle();
  await made.settled();
  return made;
}

describe('KeptComparison', () => {
  it('shows that it compares, and then the result', async () => {
    const { comparison, asked, shown } = await done();
    expect(asked.map(({ other }) => other)).toEqual([OTHER.path]);
    expect(shown).toEqual([
      { other: 'digits-1', result: null, message: null },
      { other: 'digits-1', result: RESULT, message: null },
    ]);
    expect(comparison.shown).toBe(shown.at(-1));
  });

  it.each(['/m/unet', B_FOLDER])('is done again, once, when files in %s change', async (folder) => {
    const { asked, change, settled, shown } = await done();
    for (let i = 0; i < 5; i++) change(folder);
    await settled();
    expect(asked).toHaveLength(2);
    expect(shown.at(-1)).toMatchObject({ result: null, message: null });
    const changed = { ...RESULT, relativeNorm: 0.5 };
    asked[1]!.settle(changed);
    await settled();
    expect(shown.at(-1)).toMatchObject({ result: changed });
  });

  it('follows a run to its next checkpoint, and watches that in place of the last', async () => {
    const { asked, change, meant, settled, shown, watched } = await done();
    const checkpoints = `${OTHER.path}/checkpoints`;
    expect(meant.get(checkpoints)!('step-000008')).toBe(true);
    change(checkpoints);
    await settled();
    expect(asked.map(({ other }) => other)).toEqual([OTHER.path, OTHER.path]);
    const next = B_FOLDER.replace('step-4', 'step-8');
    const result = { ...RESULT, b: `${next}/net.safetensors` };
    asked[1]!.settle(result);
    await settled();
    expect(shown.at(-1)).toMatchObject({ result });
    expect(watched.has(next)).toBe(true);
    expect(watched.has(B_FOLDER)).toBe(false);
  });

  it('begins anew when a file changes while it compares', async () => {
    const { comparison, asked, change, settled, shown } = kept();
    void comparison.start({ path: '/x/other.safetensors', label: 'other' });
    change('/x');
    await settled();
    expect(asked).toHaveLength(2);
    expect(asked[0]!.signal.aborted).toBe(true);
    asked[0]!.settle();
    await settled();
    expect(shown.at(-1)).toMatchObject({ result: null });
  });

  it('shows why it failed, and is done again when the file is whole', async () => {
    const { asked, change, settled, shown } = await done();
    change(B_FOLDER);
    await settled();
    asked[1]!.fail('net.safetensors is cut short.');
    await settled();
    expect(shown.at(-1)).toMatchObject({ result: null, message: 'net.safetensors is cut short.' });
    change(B_FOLDER);
    await settled();
    asked[2]!.settle();
    await settled();
    expect(shown.at(-1)).toMatchObject({ result: RESULT, message: null });
  });

  it('watches and does nothing more when it is ended', async () => {
    const { comparison, asked, change, settled, shown, watched } = await done();
    change(B_FOLDER);
    comparison.end();
    await settled();
    expect(asked).toHaveLength(1);
    expect(watched.size).toBe(0);
    expect(shown.at(-1)).toBeNull();
    expect(comparison.shown).toBeNull();
  });

  it('of another net takes the place of the last', async () => {
    const { comparison, asked, watched, shown } = await done();
    void comparison.start({ path: '/x/other.safetensors', label: 'other' });
    expect(asked[0]!.signal.aborted).toBe(true);
    expect([...watched.keys()]).toEqual(['/m/unet', '/x']);
    expect(shown.at(-1)).toMatchObject({ other: 'other', result: null });
  });
});
