import { describe, expect, it } from 'vitest';
import { EngineError } from '../../engine/client';
import { emptyColumns } from '../../engine/columns';
import type {
  EvaluationLine,
  MetricsColumns,
  MetricsDelta,
  Preview,
  RunHistory,
} from '../../engine/protocol';
import { FollowedRuns } from '../followed-runs';
import type { Services } from '../services';
import { RunFollower } from './run-follower';

const RUN = '/runs/digits';

function rows(steps: readonly number[]): MetricsColumns {
  const columns = emptyColumns(steps.length, 1);
  columns.step.set(steps);
  return columns;
}

/** An engine that answers by hand. */
class FakeEngine {
  readonly asked: string[] = [];
  health = { state: 'up' };
  private readonly listeners = new Map<string, Set<(value: never) => void>>();
  private answers: ((history: RunHistory | EngineError) => void)[] = [];

  request(method: string): Promise<unknown> {
    this.asked.push(method);
    if (method !== 'follow') return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.answers.push((answer) => {
        if (answer instanceof EngineError) reject(answer);
        else resolve(answer);
      });
    });
  }

  on(name: string, listener: (value: never) => void) {
    const all = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, all.add(listener));
    return { dispose: () => all.delete(listener) };
  }

  onDidChangeHealth = (listener: (value: never) => void) => this.on('health', listener);

  setHealth(state: string): void {
    this.health = { state };
    this.listeners.get('health')?.forEach((each) => each(this.health as never));
  }

  tell(name: 'metrics' | 'preview', value: MetricsDelta | Preview): void {
    this.listeners.get(name)?.forEach((each) => each(value as never));
  }

  answer(answer: RunHistory | EngineError): void {
    this.answers.shift()!(answer);
  }
}

function history(steps: readonly number[]): RunHistory {
  return {
    summary: { path: RUN, name: 'digits' } as RunHistory['summary'],
    config: {},
    columns: rows(steps),
    rows: steps.length,
    evaluations: [],
    previewSteps: [2],
  };
}

function window(engine: FakeEngine): Services {
  const log = { debug: () => undefined };
  const followed = new FollowedRuns(engine as never, log as never);
  return { engine, followed, log } as unknown as Services;
}

function follow(engine = new FakeEngine(), services = window(engine)) {
  const told: string[] = [];
  const follower = new RunFollower(services, RUN, {
    read: () => told.push('read'),
    metrics: () => told.push('metrics'),
    preview: ({ step }) => told.push(`preview ${step}`),
    failed: (message) => told.push(message),
  });
  return { engine, told, follower };
}

async function followed(steps: readonly number[]) {
  const made = follow();
  const reading = made.follower.read();
  made.engine.answer(history(steps));
  await reading;
  return made;
}

const delta = (from: number, steps: readonly number[], run = RUN, left = 0): MetricsDelta => ({
  run,
  from,
  columns: rows(steps),
  left,
});

/** The steps from … to. */
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('RunFollower', () => {
  it('has nothing before it was read, and then all', async () => {
    const { engine, follower } = follow();
    expect(follower.takeAll()).toBeNull();
    const reading = follower.read();
    engine.answer(history([1, 2, 3]));
    await reading;
    expect(follower.takeAll()).toEqual(history([1, 2, 3]));
  });

  it('gives what was added since, once', async () => {
    const { engine, follower, told } = await followed([1, 2]);
    follower.takeAll();
    engine.tell('metrics', delta(2, [3]));
    engine.tell('metrics', delta(3, [4, 5]));
    expect(follower.takeNew()).toEqual(delta(2, [3, 4, 5]));
    expect(follower.takeNew()).toEqual(delta(5, []));
    expect(told).toEqual(['read', 'metrics', 'metrics']);
  });

  it('gives evaluations once, and with all that is known', async () => {
    const { engine, follower, told } = await followed([1, 2]);
    follower.takeAll();
    const evaluations = [
      { type: 'evaluation', step: 2, frechet: 0.5 },
    ] as unknown as EvaluationLine[];
    engine.tell('metrics', { ...delta(2, []), evaluations });
    expect(told).toEqual(['read', 'metrics']);
    expect(follower.hasNew).toBe(true);
    expect(follower.takeNew()).toEqual({ ...delta(2, []), evaluations });
    expect(follower.hasNew).toBe(false);
    expect(follower.takeAll()!.evaluations).toEqual(evaluations);
  });

  it('of a long run gives the overview that was told, and then all rows piece by piece', async () => {
    const { engine, follower } = follow();
    const reading = follower.read();
    engine.answer({ ...history([1, 60_000, 120_000]), rows: 120_000 });
    await reading;
    const overview = follower.takeAll()!;
    expect(overview).toEqual({ ...history([1, 60_000, 120_000]), rows: 120_000 });
    expect(follower.hasNew).toBe(false);
    engine.tell('metrics', delta(0, range(1, 70_000), RUN, 50_000));
    const pieces = [follower.takeNew(), follower.takeNew()];
    expect(follower.hasNew).toBe(false);
    engine.tell('metrics', delta(70_000, range(70_001, 120_001)));
    pieces.push(follower.takeNew(), follower.takeNew());
    expect(pieces.map(({ from, columns, left }) => [from, columns.step.length, left])).toEqual([
      [0, 50_000, 70_000],
      [50_000, 20_000, 50_000],
      [70_000, 50_000, 1],
      [120_000, 1, 0],
    ]);
    expect(follower.hasNew).toBe(false);
  });

  it('gives a view that is shown while rows come the overview that was told', async () => {
    const { engine, follower } = follow();
    const reading = follower.read();
    engine.answer({ ...history([1, 120_000]), rows: 120_000 });
    await reading;
    engine.tell('metrics', delta(0, range(1, 50_000), RUN, 70_000));
    expect(follower.takeAll()).toEqual({ ...history([1, 120_000]), rows: 120_000 });
    expect(follower.takeNew()).toMatchObject({ from: 0, left: 70_000 });
  });

  it('gives a view that is shown when all is there an overview of its own', async () => {
    const { engine, follower } = follow();
    const reading = follower.read();
    engine.answer({ ...history([1, 120_000]), rows: 120_000 });
    await reading;
    engine.tell('metrics', delta(0, range(1, 120_000)));
    const { columns, rows: all } = follower.takeAll()!;
    expect(all).toBe(120_000);
    expect([columns.step[0], columns.step.at(-1)]).toEqual([1, 120_000]);
    expect(columns.step.length).toBeLessThan(20_000);
    expect(columns.step.length).toBeGreaterThan(1000);
  });

  it('keeps its rows while they are told again, as to another panel', async () => {
    const { engine, follower } = await followed(range(1, 10));
    follower.takeAll();
    engine.tell('metrics', delta(0, range(1, 4), RUN, 6));
    expect(follower.takeAll()!.columns).toEqual(rows(range(1, 10)));
    engine.tell('metrics', delta(4, [50], RUN, 1));
    expect([...follower.takeAll()!.columns.step]).toEqual([1, 2, 3, 4, 50, 6]);
  });

  it('gives again from where rows were replaced', async () => {
    const { engine, follower } = await followed([1, 2, 3, 4]);
    follower.takeAll();
    engine.tell('metrics', delta(4, [5]));
    engine.tell('metrics', delta(2, [30]));
    expect(follower.takeNew()).toEqual(delta(2, [30]));
    expect(follower.takeAll()!.columns).toEqual(rows([1, 2, 30]));
  });

  it('reads anew where rows are missing', async () => {
    const { engine, follower, told } = await followed([1]);
    engine.tell('metrics', delta(5, [6]));
    engine.answer(history([1, 2, 3]));
    await follower.read();
    expect(follower.takeAll()!.columns).toEqual(rows([1, 2, 3]));
    expect(told).toEqual(['read', 'read']);
  });

  it('hears its own run alone', async () => {
    const { engine, told } = await followed([1]);
    engine.tell('metrics', delta(1, [2], '/runs/other'));
    const pixels = { data: new Uint8Array(1), count: 1, height: 1, width: 1, channels: 1 };
    engine.tell('preview', { run: '/runs/other', step: 5, pixels });
    expect(told).toEqual(['read']);
  });

  it('knows the previews that were drawn since', async () => {
    const { engine, follower, told } = await followed([1]);
    const pixels = { data: new Uint8Array(1), count: 1, height: 1, width: 1, channels: 1 };
    for (const step of [9, 1, 9]) engine.tell('preview', { run: RUN, step, pixels });
    expect(follower.takeAll()!.previewSteps).toEqual([1, 2, 9]);
    expect(told).toContain('preview 9');
  });

  it('says why it cannot be read', async () => {
    const { engine, follower, told } = follow();
    const reading = follower.read();
    engine.answer(new EngineError({ kind: 'user', message: 'It is no run.' }));
    await reading;
    expect(told).toEqual(['It is no run.']);
    expect(follower.takeAll()).toBeNull();
  });

  it('keeps what it has while the engine is gone, and reads anew when it is back', async () => {
    const { engine, follower } = await followed([1, 2]);
    engine.setHealth('down');
    expect(follower.takeAll()!.columns).toEqual(rows([1, 2]));
    engine.setHealth('up');
    engine.answer(history([1]));
    await follower.read();
    expect(follower.takeAll()!.columns).toEqual(rows([1]));
    expect(engine.asked).toEqual(['follow', 'follow']);
  });

  it('leaves an engine that is there, and starts none for it', async () => {
    const one = await followed([1]);
    one.follower.dispose();
    expect(one.engine.asked).toEqual(['follow', 'unfollow']);
    const other = await followed([1]);
    other.engine.setHealth('down');
    other.follower.dispose();
    expect(other.engine.asked).toEqual(['follow']);
  });

  it('leaves also when it was closed while it read', async () => {
    const { engine, follower, told } = follow();
    const reading = follower.read();
    follower.dispose();
    engine.answer(history([1]));
    await reading;
    expect(engine.asked).toEqual(['follow', 'unfollow']);
    expect(told).toEqual([]);
  });

  it('leaves a run to the others of its window that follow it', async () => {
    const engine = new FakeEngine();
    const services = window(engine);
    const closed = follow(engine, services);
    const opened = follow(engine, services);
    const reading = [closed.follower.read(), opened.follower.read()];
    closed.follower.dispose();
    engine.answer(history([1]));
    engine.answer(history([1]));
    await Promise.all(reading);
    expect(engine.asked).toEqual(['follow', 'follow']);
    engine.tell('metrics', delta(1, [2]));
    expect(opened.told).toEqual(['read', 'metrics']);
    opened.follower.dispose();
    expect(engine.asked).toEqual(['follow', 'follow', 'unfollow']);
  });

  it('has nothing to leave where it could not be read', async () => {
    const { engine, follower } = follow();
    const reading = follower.read();
    engine.answer(new EngineError({ kind: 'user', message: 'It is no run.' }));
    await reading;
    follower.dispose();
    expect(engine.asked).toEqual(['follow']);
  });
});
