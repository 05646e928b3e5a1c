import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, Events, hashes, recordOf, TrainingScratch } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { UserError } from '../base/errors';
import { readMetrics } from '../checkpoint/metrics';
import type { TrainEvent } from './events';

const scratch = new TrainingScratch();

const withoutPreviews = tinyConfig({ training: { previewEvery: 0 } });
let whole: Events;

beforeAll(async () => {
  await scratch.prepare();
  whole = await collect(scratch.start(tinyConfig(), scratch.at('whole')));
});
afterAll(() => scratch.remove());

describe('a run that goes wrong', () => {
  it('stops where the loss explodes, and says what to lower and where to go back to', async () => {
    const config = tinyConfig({
      training: { steps: 12, lr: 2e-3, clipGradNorm: null, previewEvery: 0 },
    });
    const run = scratch.at('exploded');
    await scratch.stoppedAt(5, config, run);
    const record = await recordOf(run);
    const explosive = { ...record.config.training, lr: 9.9, warmupSteps: 0 };
    const changed = { ...record, config: { ...record.config, training: explosive } };
    writeFileSync(path.join(run, 'run.json'), JSON.stringify(changed));
    const failure: unknown = await collect(scratch.goOn(run, { steps: 60 })).catch(
      (e: unknown) => e,
    );
    expect(failure).toBeInstanceOf(UserError);
    const good = path.join(run, 'checkpoints', 'step-000005');
    expect((failure as UserError).message).toMatch(
      /^The loss exploded at step \d+: lower the learning rate \(--lr, now 9.9\)/,
    );
    const named = /the last good checkpoint is (.*), from which --resume/.exec(
      (failure as UserError).message,
    );
    expect(named?.[1]).toBe(good);
    expect(await recordOf(run)).toMatchObject({
      status: 'failed',
      message: (failure as UserError).message,
    });
    expect(existsSync(path.join(run, '.lock'))).toBe(false);
  });

  it('says where there is no checkpoint to go back to', async () => {
    const config = tinyConfig({
      training: { steps: 60, lr: 9.9, clipGradNorm: null, warmupSteps: 0, checkpointEvery: 0 },
    });
    const failure = collect(scratch.start(config, scratch.at('at-once')));
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(/there was no checkpoint yet\.$/);
  });

  it('goes on where checkpoints cannot be written, and fails where the last cannot', async () => {
    const run = scratch.at('no-room');
    const block = (event: TrainEvent) => {
      if (event.type !== 'started') return;
      rmSync(path.join(run, 'checkpoints'), { recursive: true });
      writeFileSync(path.join(run, 'checkpoints'), 'a file in the way');
    };
    const events: TrainEvent[] = [];
    const failure: unknown = await collect(scratch.start(withoutPreviews, run), (event) => {
      block(event);
      events.push(event);
    }).catch((e: unknown) => e);
    const warnings = new Events(events).of('warning').map(({ message }) => message);
    expect(warnings).toHaveLength(2);
    for (const message of warnings) {
      expect(message).toMatch(
        /checkpoint.*\. Training goes on, and the next checkpoint is tried again\.$/,
      );
    }
    expect([...new Events(events).losses]).toEqual([...whole.losses]);
    expect(failure).toBeInstanceOf(UserError);
    expect((await recordOf(run)).status).toBe('failed');
    const { lines } = await readMetrics(path.join(run, 'metrics.jsonl'));
    expect(lines).toHaveLength(12);
  });

  it('writes the next checkpoint where there is room again', async () => {
    const run = scratch.at('room-again');
    const folder = path.join(run, 'checkpoints');
    const events = await collect(scratch.start(withoutPreviews, run), (event) => {
      if (event.type === 'started') {
        rmSync(folder, { recursive: true });
        writeFileSync(folder, 'a file in the way');
      }
      if (event.type === 'warning') {
        rmSync(folder);
        mkdirSync(folder);
      }
    });
    expect(events.of('warning')).toHaveLength(1);
    expect(events.of('checkpoint').map(({ step }) => step)).toEqual([8, 12]);
    const last = /step-000012.*safetensors/;
    expect(hashes(run, last)).toEqual(hashes(whole.run, last));
  });

  it('goes on without a preview that cannot be written', async () => {
    const run = scratch.at('no-previews');
    const events = await collect(scratch.start(tinyConfig(), run), (event) => {
      if (event.type !== 'started') return;
      rmSync(path.join(run, 'samples'), { recursive: true });
      writeFileSync(path.join(run, 'samples'), 'a file in the way');
    });
    expect(events.of('warning')).toHaveLength(3);
    expect(events.of('warning')[0]!.message).toMatch(/^The preview was left out: /);
    expect(events.of('done')[0]).toMatchObject({ reason: 'finished' });
  });

  it('gives up the lock where its reader goes away', async () => {
    const run = scratch.at('left');
    for await (const event of scratch.start(withoutPreviews, run)) {
      if (event.type === 'step' && event.step === 5) break;
    }
    expect(existsSync(path.join(run, '.lock'))).toBe(false);
    expect([...(await collect(scratch.goOn(run))).losses]).toEqual([...whole.losses].slice(4));
  });
});

describe('the lock of a run', () => {
  const locked = (pid: number, host = os.hostname()) => {
    const run = scratch.at(`locked-${pid}-${host}`);
    cpSync(whole.run, run, { recursive: true });
    writeFileSync(path.join(run, '.lock'), JSON.stringify({ pid, host }));
    return run;
  };

  it('keeps a second trainer out while the first lives', async () => {
    const run = locked(process.ppid);
    const before = hashes(run);
    const second = collect(scratch.goOn(run, { steps: 14 }));
    await expect(second).rejects.toThrow(UserError);
    await expect(second).rejects.toThrow(
      `${path.basename(run)} is being trained by process ${process.ppid}; stop`,
    );
    expect(hashes(run)).toEqual(before);
  });

  it('keeps out what another machine may be writing to', async () => {
    await expect(collect(scratch.goOn(locked(1, 'elsewhere'), { steps: 14 }))).rejects.toThrow(
      /trained by process 1 on elsewhere; stop that first, or, if it is gone, delete/,
    );
  });

  it('is taken over from a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => child.on('exit', resolve));
    const run = locked(child.pid!);
    const events = await collect(scratch.goOn(run, { steps: 13 }));
    expect([...events.losses.keys()]).toEqual([13]);
    expect(existsSync(path.join(run, '.lock'))).toBe(false);
  });
});
