import path from 'node:path';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, hashes, TrainingScratch, type Events } from '../../../test/support/runs';
import { tinyConfig } from '../../../test/support/training';
import { StoppedError, UserError } from '../base/errors';
import { TrainingControl } from './control';
import type { TrainEvent } from './events';
import { train } from './trainer';

const scratch = new TrainingScratch();
const config = tinyConfig({ training: { previewEvery: 0, checkpointEvery: 0 } });
let whole: Events;

beforeAll(async () => {
  await scratch.prepare();
  whole = await collect(scratch.start(config, scratch.at('whole')));
});
afterAll(() => scratch.remove());

/** A training with a control, whose events `watch` sees. */
function controlled(
  name: string,
  watch: (event: TrainEvent, control: TrainingControl) => void,
  settings = config,
  signal?: AbortSignal,
): Promise<Events> {
  const control = new TrainingControl();
  const options = { ...scratch.options(settings, scratch.at(name), signal), control };
  return collect(train(options), (event) => watch(event, control));
}

const atStep = (event: TrainEvent, step: number) => event.type === 'step' && event.step === step;
const later = (ms: number, act: () => void) => void setTimeout(act, ms);

describe('a held training', () => {
  it('takes the very steps of one that was not held, and does not count the pauses', async () => {
    const held: number[] = [];
    let since = 0;
    const events = await controlled('held', (event, control) => {
      if (atStep(event, 3) || atStep(event, 7)) control.pause();
      if (event.type === 'unpaused') held.push(performance.now() - since);
      if (event.type !== 'paused') return;
      since = performance.now();
      later(1000, () => control.unpause());
    });
    expect([...events.losses]).toEqual([...whole.losses]);
    expect(hashes(events.run, /safetensors/)).toEqual(hashes(whole.run, /safetensors/));
    expect(held).toHaveLength(2);
    const [one, two] = [events.of('paused'), events.of('unpaused')];
    expect(one.map(({ step }) => step)).toEqual([3, 7]);
    expect(two.map(({ step, seconds }) => [step, seconds])).toEqual(
      one.map(({ step, seconds }) => [step, expect.closeTo(seconds, 2)]),
    );
    // Two pauses of a second are in no time that is told.
    expect(held.every((ms) => ms > 990)).toBe(true);
    expect(events.of('done')[0]!.seconds).toBeLessThan(1.5);
    const steps = events.of('step');
    const lines = events.of('metrics').map(({ line }) => line);
    expect(lines.map(({ time }) => time)).toEqual(
      lines.map(({ step }) => expect.closeTo(steps[step - 1]!.seconds, 1)),
    );
  });

  it('does not use up the time it was given', async () => {
    const training = { previewEvery: 0, checkpointEvery: 0, maxSeconds: 30 };
    const short = tinyConfig({ training: { ...training, steps: 4, maxSeconds: 0.6 } });
    const events = await controlled(
      'timed',
      (event, control) => {
        if (atStep(event, 1)) control.pause();
        if (event.type === 'paused') later(1000, () => control.unpause());
      },
      short,
    );
    expect(events.of('done')[0]).toMatchObject({ reason: 'finished', steps: 4 });
  });

  it('writes checkpoints and stops while it is held', async () => {
    const stop = new AbortController();
    let saved: Promise<unknown> = Promise.resolve();
    const events = await controlled(
      'stopped',
      (event, control) => {
        if (atStep(event, 5)) control.pause();
        if (event.type === 'paused') saved = control.checkpointNow();
        if (event.type === 'checkpoint') stop.abort();
      },
      config,
      stop.signal,
    );
    const at = path.join(events.run, 'checkpoints', 'step-000005');
    expect(await saved).toEqual({ step: 5, path: at });
    expect(events.all.slice(-3)).toMatchObject([
      { type: 'paused', step: 5 },
      { type: 'checkpoint', step: 5, path: at },
      { type: 'done', reason: 'stopped', steps: 5 },
    ]);
    const resumed = await collect(scratch.goOn(events.run));
    expect([...resumed.losses]).toEqual([...whole.losses].slice(5));
  });

  it('may be held before its first step', async () => {
    const events = await controlled('early', (event, control) => {
      if (event.type === 'started') control.pause();
      if (event.type === 'paused') later(0, () => control.unpause());
    });
    expect(events.of('paused')).toMatchObject([{ step: 0, seconds: expect.closeTo(0, 1) }]);
    expect([...events.losses]).toEqual([...whole.losses]);
  });
});

describe('a checkpoint that is asked for', () => {
  it('is written after the step that is being taken, once for all that ask', async () => {
    const asked: Promise<unknown>[] = [];
    const events = await controlled('asked', (event, control) => {
      if (atStep(event, 4)) asked.push(control.checkpointNow(), control.checkpointNow());
    });
    const saved = { step: 4, path: path.join(events.run, 'checkpoints', 'step-000004') };
    expect(await Promise.all(asked)).toEqual([saved, saved]);
    expect(events.of('checkpoint').map(({ step }) => step)).toEqual([4, 12]);
  });

  it('at the last step is the last one', async () => {
    let asked: Promise<unknown> = Promise.resolve();
    const events = await controlled('last', (event, control) => {
      if (atStep(event, 12)) asked = control.checkpointNow();
    });
    expect(await asked).toMatchObject({ step: 12 });
    expect(events.of('checkpoint')).toHaveLength(1);
  });

  it('that cannot be written is refused with the reason, and the training goes on', async () => {
    let asked: Promise<unknown> = Promise.resolve();
    const run = scratch.at('blocked');
    const events = await controlled('blocked', (event, control) => {
      if (!atStep(event, 2)) return;
      rmSync(path.join(run, 'checkpoints'), { recursive: true });
      writeFileSync(path.join(run, 'checkpoints'), 'a file in the way');
      asked = control.checkpointNow();
      asked.catch(() => rmSync(path.join(run, 'checkpoints')));
    });
    await expect(asked).rejects.toThrow(UserError);
    await expect(asked).rejects.toThrow(/^Cannot write the checkpoint .*blocked/);
    expect(events.of('done')[0]).toMatchObject({ reason: 'finished' });
  });

  it('is refused when the training has ended', async () => {
    const control = new TrainingControl();
    const waiting = control.checkpointNow();
    control.end();
    await expect(waiting).rejects.toThrow(StoppedError);
    await expect(control.checkpointNow()).rejects.toThrow(StoppedError);
  });
});
