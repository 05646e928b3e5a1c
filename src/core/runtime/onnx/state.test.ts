import { describe, expect, it } from 'vitest';
import { cpu, drawn, graphOf } from '../../../../test/support/values';
import { webgpu } from '../../../../test/support/webgpu';
import type { Graph } from '../../graph/ops';
import type { DeviceState } from '../runtime';

const SHAPE = [3, 2];
const runtimes = [cpu, webgpu].filter((runtime) => runtime !== null);

/** Two states that swap and grow: a' = b + x, b' = a · 2; the result is a + b before the run. */
function swapping(): Graph {
  return graphOf((g) => {
    const [a, b] = [g.state('a', SHAPE), g.state('b', SHAPE)];
    g.nextState('a', g.add(b, g.feed('x', SHAPE)));
    g.nextState('b', g.mul(a, 2));
    g.result('sum', g.add(a, b));
  });
}

describe.each(runtimes)('state on $device', (runtime) => {
  const initial = { a: drawn(SHAPE), b: drawn(SHAPE, 1) };
  const tensors = Object.fromEntries(
    Object.entries(initial).map(([name, data]) => [name, { shape: SHAPE, data }]),
  );
  const reader = async (state: DeviceState) =>
    Object.fromEntries(
      await Promise.all(state.names.map(async (name) => [name, await state.read(name)] as const)),
    );

  it('holds the right values over many runs', async () => {
    const executable = await runtime.compile(swapping(), { label: 'swapping' });
    const state = await runtime.createState(tensors);
    let { a, b } = initial;
    for (let run = 0; run < 9; run++) {
      const x = drawn(SHAPE, 10 + run);
      const { sum } = await executable.run({ x }, state);
      expect(sum).toEqual(a.map((value, i) => value + b[i]!));
      [a, b] = [b.map((value, i) => value + x[i]!), a.map((value) => value * 2)];
      expect(await reader(state)).toEqual({ a, b });
    }
    state.dispose();
    await executable.dispose();
  });

  it('is copied in and out: arrays of the caller neither change nor are watched', async () => {
    const executable = await runtime.compile(swapping(), { label: 'swapping' });
    const given = Float32Array.from(initial.a);
    const state = await runtime.createState({ ...tensors, a: { shape: SHAPE, data: given } });
    given.fill(100);
    expect(await state.read('a')).toEqual(initial.a);
    const before = await state.read('b');
    const kept = Float32Array.from(before);
    for (let run = 0; run < 3; run++) await executable.run({ x: drawn(SHAPE, run) }, state);
    expect(before).toEqual(kept);
    const present = await state.read('a');
    const wanted = Float32Array.from(present);
    present.fill(-1);
    expect(await state.read('a')).toEqual(wanted);
    state.dispose();
    await executable.dispose();
  });

  it('is shared by graphs, of which one may only read', async () => {
    const writer = await runtime.compile(swapping(), { label: 'swapping' });
    const only = graphOf((g) => g.result('twice', g.mul(g.state('a', SHAPE), 2)));
    const watcher = await runtime.compile(only, { label: 'watching' });
    const state = await runtime.createState(tensors);
    const zero = new Float32Array(6);
    for (const expected of [initial.a, initial.b, initial.a.map((value) => 2 * value)]) {
      for (let again = 0; again < 2; again++) {
        const { twice } = await watcher.run({}, state);
        expect(twice).toEqual(expected.map((value) => 2 * value));
      }
      await writer.run({ x: zero }, state);
    }
    state.dispose();
    await Promise.all([writer.dispose(), watcher.dispose()]);
  });

  it('may be passed on untouched, or change places', async () => {
    const graph = graphOf((g) => {
      const [a, b] = [g.state('a', SHAPE), g.state('b', SHAPE)];
      g.nextState('a', b);
      g.nextState('b', a);
      g.nextState('c', g.state('c', SHAPE));
    });
    const executable = await runtime.compile(graph, { label: 'swapping' });
    const all = { ...initial, c: drawn(SHAPE, 2) };
    const state = await runtime.createState({ ...tensors, c: { shape: SHAPE, data: all.c } });
    for (let run = 0; run < 3; run++) await executable.run({}, state);
    expect(await reader(state)).toEqual({ a: all.b, b: all.a, c: all.c });
    state.dispose();
    await executable.dispose();
  });

  it('leaves results of earlier runs as they were', async () => {
    const executable = await runtime.compile(swapping(), { label: 'swapping' });
    const state = await runtime.createState(tensors);
    const first = await executable.run({ x: drawn(SHAPE, 3) }, state);
    const kept = Float32Array.from(first.sum!);
    for (let run = 0; run < 4; run++) await executable.run({ x: drawn(SHAPE, run) }, state);
    expect(first.sum).toEqual(kept);
    state.dispose();
    await executable.dispose();
  });

  it('errors name what is missing', async () => {
    const executable = await runtime.compile(swapping(), { label: 'the swapping' });
    const state = await runtime.createState({ a: tensors.a! });
    await expect(executable.run({}, state)).rejects.toThrow(/the state holds no b, only a/);
    const whole = await runtime.createState(tensors);
    await expect(executable.run({}, whole)).rejects.toThrow('the swapping needs the feed x');
    await expect(executable.run({ x: drawn(SHAPE) })).rejects.toThrow(
      'the swapping needs the state a',
    );
    await expect(executable.run({ x: drawn([5]) }, whole)).rejects.toThrow();
    expect(await reader(whole)).toEqual(initial);
    await expect(state.read('b')).rejects.toThrow(/holds no b/);
    [state, whole].forEach((s) => s.dispose());
    await executable.dispose();
  });

  it('is gone after dispose', async () => {
    const state = await runtime.createState(tensors);
    state.dispose();
    expect(state.names).toEqual([]);
    await expect(state.read('a')).rejects.toThrow(/holds no a/);
  });

  it('passes scalars and single elements', async () => {
    const graph = graphOf((g) => {
      const total = g.state('total', []);
      g.nextState('total', g.add(total, g.feed('x', [])));
      g.result('before', total);
    });
    const executable = await runtime.compile(graph, { label: 'a sum' });
    const state = await runtime.createState({ total: { shape: [], data: Float32Array.of(1) } });
    for (const expected of [1, 3, 5]) {
      const { before } = await executable.run({ x: Float32Array.of(2) }, state);
      expect([...before!]).toEqual([expected]);
    }
    expect([...(await state.read('total'))]).toEqual([7]);
    state.dispose();
    await executable.dispose();
  });
});
