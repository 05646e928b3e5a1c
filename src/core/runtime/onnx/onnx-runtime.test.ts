import { afterEach, describe, expect, it, vi } from 'vitest';
import { cpu, drawn, evaluate, graphOf } from '../../../../test/support/values';
import { webgpu } from '../../../../test/support/webgpu';
import { UserError } from '../../base/errors';
import { explain } from '../failures';
import type * as Lower from './lower';
import { OnnxRuntime } from './onnx-runtime';
import type { OnnxState } from './state';

/** Written for an `Erf`, if set: an operator of the same form. */
const stand = vi.hoisted(() => ({ in: null as string | null }));

vi.mock('./lower', async (original) => {
  const actual = await original<typeof Lower>();
  const lower: typeof Lower.lower = (graph, options) => {
    const model = actual.lower(graph, options);
    const nodes = model.nodes.map((node) =>
      node.opType === 'Erf' && stand.in ? { ...node, opType: stand.in } : node,
    );
    return { ...model, nodes };
  };
  return { ...actual, lower };
});

afterEach(() => (stand.in = null));

const runtimes = [cpu, webgpu].filter((runtime) => runtime !== null);
const MEGABYTE = 2 ** 20;

/** How much the resident memory of this process grows over `rounds`, in MiB, after a warm-up. */
async function growth(rounds: number, round: (i: number) => Promise<void>): Promise<number> {
  for (let i = 0; i < rounds / 4; i++) await round(i);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < rounds; i++) await round(i);
  return (process.memoryUsage().rss - before) / MEGABYTE;
}

describe.each(runtimes)('memory on $device', (runtime) => {
  // What would leak is made 4 × the limit or more in all.
  const LIMIT = 64;

  it('stays flat over many runs, state and results included', async () => {
    const shape = [64, 1024];
    const graph = graphOf((g) => {
      const w = g.state('w', shape);
      g.nextState('w', g.mul(g.add(w, g.feed('x', shape)), 0.5));
      g.result('y', g.exp(w));
    });
    const executable = await runtime.compile(graph, { label: 'a small graph' });
    const x = drawn(shape);
    const state = await runtime.createState({ w: { shape, data: x } });
    const runs = runtime.device === 'cpu' ? 2000 : 1000;
    const grown = await growth(runs, async () => {
      await executable.run({ x }, state);
    });
    expect(grown).toBeLessThan(LIMIT);
    state.dispose();
    await executable.dispose();
  });

  it('is given back with graphs and states that are disposed', async () => {
    const shape = [1024, 1024];
    const data = drawn(shape);
    const grown = await growth(32, async (i) => {
      const graph = graphOf((g) => {
        g.nextState('w', g.mul(g.state('w', shape), g.constant(data, shape)));
      });
      const executable = await runtime.compile(graph, { label: 'a short life' });
      const state = await runtime.createState({ w: { shape, data } });
      await executable.run({}, state);
      if (i % 10 === 0) await state.read('w');
      state.dispose();
      await executable.dispose();
    });
    expect(grown).toBeLessThan(LIMIT);
  });

  it('that is not there is a UserError that says what to lower', async () => {
    const side = 2 ** 20;
    const graph = graphOf((g) => {
      const product = g.mul(g.feed('column', [side, 1]), g.feed('row', [1, side]));
      g.result('sum', g.reduceSum(g.exp(product), [0, 1]));
    });
    const feeds = { column: new Float32Array(side), row: new Float32Array(side) };
    const failure = evaluate(graph, feeds, runtime);
    await expect(failure).rejects.toThrow(UserError);
    await expect(failure).rejects.toThrow(
      `a test does not fit the memory of device ${runtime.device}: use a smaller model.`,
    );
    const after = await evaluate(
      graphOf((g) => g.result('y', g.add(g.feed('x', [2]), 1))),
      { x: Float32Array.of(1, 2) },
      runtime,
    );
    expect([...after.y!]).toEqual([2, 3]);
  });
});

describe('failures', () => {
  const ABOUT = { label: 'The training step', device: 'webgpu', remedy: 'lower --batch-size' };

  it.each([
    'std::bad_alloc',
    'Failed to allocate memory for requested buffer of size 4398046511104',
    'WebGPU validation failed. [Invalid Buffer (unlabeled)] is invalid due to a previous error.',
    'numbers_storage_buffers_ <= limits_ was false. Too many storage buffers in shader. Current: 18',
    "Non-zero status code returned while running Mul node. Name:'/Mul_0' Status Message: narrowing_error",
    'CUDA failure 2: out of memory',
  ])('for want of memory are for the user to mend: %s', (message) => {
    const error = explain(new Error(message), ABOUT);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toMatch(
      /^The training step does not fit the memory of device webgpu: lower --batch-size\.$/,
    );
  });

  it('of other kinds stay what they are', () => {
    const error = new Error('Non-zero status code returned while running Add node.');
    expect(explain(error, ABOUT)).toBe(error);
    expect(explain('a word', ABOUT)).toEqual(new Error('a word'));
  });
});

describe('OnnxRuntime', () => {
  it('describes itself', () => {
    expect(new OnnxRuntime({ device: 'cpu', threads: 1 }).description).toBe('cpu, 1 thread');
    expect(new OnnxRuntime({ device: 'cpu', threads: 4 }).description).toBe('cpu, 4 threads');
    expect(new OnnxRuntime({ device: 'webgpu', threads: 4 }).description).toBe('webgpu');
  });

  it('gives the same bits with any number of threads', async () => {
    const graph = graphOf((g) => {
      const [x, w] = [g.feed('x', [4, 8, 20, 20]), g.feed('w', [16, 8, 3, 3])];
      const y = g.conv2d(x, w, null, { stride: 1, pads: [1, 1, 1, 1] });
      g.result('y', g.reduceSum(g.silu(y), [0, 2, 3]));
    });
    const feeds = { x: drawn([4, 8, 20, 20]), w: drawn([16, 8, 3, 3], 1) };
    const one = await evaluate(graph, feeds);
    for (const threads of [2, 3]) {
      const many = await evaluate(graph, feeds, new OnnxRuntime({ device: 'cpu', threads }));
      expect(many).toEqual(one);
    }
  });

  it('does not hand out results that a later run writes into', async () => {
    const graph = graphOf((g) => g.result('y', g.exp(g.feed('x', [1000]))));
    const executable = await cpu.compile(graph, { label: 'a test' });
    const first = await executable.run({ x: drawn([1000]) });
    const kept = Float32Array.from(first.y!);
    for (let i = 0; i < 20; i++) await executable.run({ x: drawn([1000], i) });
    expect(first.y).toEqual(kept);
    await executable.dispose();
  });

  it('runs graphs at the same time', async () => {
    const graph = graphOf((g) => g.result('y', g.mul(g.feed('x', [4]), 3)));
    const executable = await cpu.compile(graph, { label: 'a test' });
    const runs = Array.from({ length: 20 }, (_, i) => executable.run({ x: drawn([4], i) }));
    for (const [i, { y }] of (await Promise.all(runs)).entries()) {
      expect(y).toEqual(drawn([4], i).map((value) => 3 * value));
    }
    await executable.dispose();
  });
});

describe.runIf(webgpu)('OnnxRuntime on webgpu', () => {
  it('keeps state in GPU buffers, results in the memory of the host', async () => {
    const graph = graphOf((g) => {
      const w = g.state('w', [8]);
      g.nextState('w', g.exp(w));
      g.result('y', g.neg(w));
    });
    const executable = await webgpu!.compile(graph, { label: 'a test' });
    const state = await webgpu!.createState({ w: { shape: [8], data: drawn([8]) } });
    for (let run = 0; run < 3; run++) {
      const { y } = await executable.run({}, state);
      expect(y).toBeInstanceOf(Float32Array);
      expect((state as OnnxState).get('w').location).toBe('gpu-buffer');
    }
    state.dispose();
    await executable.dispose();
  });

  it('refuses an operation that the provider lacks, rather than take it to the CPU', async () => {
    const graph = graphOf((g) => g.result('y', g.erf(g.feed('x', [2, 4]))));
    const feeds = { x: Float32Array.of(1, 2, 3, 0, 5, 4, 3, 2) };
    stand.in = 'Hardmax';
    const { y } = await evaluate(graph, feeds);
    expect([...y!]).toEqual([0, 0, 1, 0, 1, 0, 0, 0]);
    await expect(evaluate(graph, feeds, webgpu!)).rejects.toThrow(/fallback to CPU EP|CPU/i);
  });
});

describe('idle threads', () => {
  /** Processor time that 4 threads take in 30 waits of 10 ms, each after a run, in milliseconds. */
  async function idleTime(spin: boolean): Promise<number> {
    const runtime = new OnnxRuntime({ device: 'cpu', threads: 4, spin });
    const graph = graphOf((g) => {
      const a = g.feed('a', [256, 256]);
      g.result('product', g.matmul(a, a));
    });
    const executable = await runtime.compile(graph, { label: 'a product' });
    const feeds = { a: new Float32Array(256 * 256) };
    let idle = 0;
    for (let run = 0; run < 30; run++) {
      await executable.run(feeds);
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { user, system } = process.cpuUsage(before);
      idle += (user + system) / 1000;
    }
    await executable.dispose();
    return idle;
  }

  it('sleep where they are told to, and leave the cores to others', async () => {
    expect((await idleTime(false)) * 2).toBeLessThan(await idleTime(true));
  });
});
