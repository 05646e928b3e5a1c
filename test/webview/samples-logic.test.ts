import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { quoted, sampleCommand } from '../../src/extension/panels/command-line';
import { checkpointOf, modelChoices } from '../../src/extension/panels/model-choices';
import type { CheckpointSummary, FramePart, RunSummary } from '../../src/engine/protocol';
import type { ClassForm, SampleForm } from '../../webview/protocol';
import { classLabel, fittingClasses, gridOf } from '../../webview/samples/classes';
import {
  modelSolverLabel,
  modelSolverNote,
  solverOf,
  withSolver,
} from '../../webview/samples/model-solver';
import { FrameStore } from '../../webview/samples/frame-store';
import { Eta, filmstripPlaces, pictureOf, placeInRow } from '../../webview/samples/scrub';
import { formsToSample, rowLabel } from '../../webview/samples/settings';
import { withWeights } from '../../webview/samples/state';

const FORM: SampleForm = {
  model: '/runs/digits-1/checkpoints/step-000500',
  solver: 'ddim',
  steps: null,
  eta: 0,
  seed: 7,
  count: 16,
  spacing: null,
  variance: null,
};

describe('the scrubber', () => {
  it('moves rows of different lengths together, from noise to image', () => {
    expect([0, 25, 50].map((at) => placeInRow(at, 50, 10))).toEqual([0, 5, 10]);
    expect(placeInRow(0, 0, 0)).toBe(0);
  });

  it('spreads a filmstrip over all steps', () => {
    expect(filmstripPlaces(50, 5)).toEqual([1, 13, 26, 38, 50]);
    expect(filmstripPlaces(3, 10)).toEqual([1, 2, 3]);
    expect(filmstripPlaces(1, 10)).toEqual([1]);
    expect(filmstripPlaces(0, 10)).toEqual([]);
  });

  it('cuts a picture out of a batch', () => {
    const data = Uint8Array.from({ length: 12 }, (_, i) => i);
    const batch = { data, count: 3, height: 2, width: 2, channels: 1 };
    expect([...pictureOf(batch, 1).data]).toEqual([4, 5, 6, 7]);
  });

  it('knows how long is left once it has seen progress', () => {
    const eta = new Eta();
    expect(eta.left(0.1, 100)).toBeNull();
    expect(eta.left(0.3, 110)).toBeCloseTo(35);
    expect(eta.left(0.05, 120)).toBeNull();
  });
});

describe('the store of steps', () => {
  const BYTES = 2 ** 20;
  const kept = (count: number) => Array.from({ length: count }, (_, i) => ({ step: i + 1, t: i }));

  /** A store whose requests wait to be answered. */
  function store(steps: number, budget: number) {
    const asked: { job: string; part: FramePart; steps: readonly number[] }[] = [];
    const made = new FrameStore(
      (job, part, wanted) => asked.push({ job, part, steps: wanted }),
      budget,
    );
    const answer = () => {
      const { job, part, steps: wanted } = asked.shift()!;
      const frames = wanted.map((step) => {
        const data = new Uint8Array(BYTES).fill(step);
        return {
          step,
          t: step - 1,
          pixels: { data, count: 1, height: 1024, width: 1024, channels: 1 },
        };
      });
      made.put({ job, part, frames, kept: kept(steps) });
    };
    return { made, asked, answer };
  }

  it('asks which steps there are, then for those around the one looked at', () => {
    const { made, asked, answer } = store(10, 100 * BYTES);
    made.look('a', 'xt', 6);
    expect(asked).toEqual([{ job: 'a', part: 'xt', steps: [] }]);
    answer();
    expect(asked[0]!.steps).toEqual([7]);
    answer();
    expect(made.nearest('a', 'xt', 6)!.data[0]).toBe(7);
    expect([...asked[0]!.steps].sort()).toEqual([6, 8]);
    while (asked.length > 0) answer();
    expect(kept(10).every((_, i) => made.has('a', 'xt', i))).toBe(true);
  });

  it('never holds more than its budget, and shows the nearest step that it has', () => {
    const { made, asked, answer } = store(100, 8 * BYTES);
    made.look('a', 'xt', 0);
    while (asked.length > 0) answer();
    for (let index = 0; index < 100; index += 5) {
      made.look('a', 'xt', index);
      for (let turns = 0; asked.length > 0; turns++) {
        expect(turns).toBeLessThan(50);
        answer();
      }
      expect(made.bytes).toBeLessThanOrEqual(8 * BYTES);
      expect(made.nearest('a', 'xt', index)!.data[0]).toBe(index + 1);
    }
    expect(made.nearest('a', 'xt', 0)!.data[0]).toBeGreaterThan(80);
    expect(made.nearest('a', 'eps', 0)).toBeNull();
  });

  it('does not ask again and again for what is not given', () => {
    const { made, asked } = store(3, 8 * BYTES);
    made.look('a', 'eps', 0);
    asked.length = 0;
    made.put({ job: 'a', part: 'eps', frames: [], kept: kept(3) });
    expect(asked).toHaveLength(1);
    made.put({ job: 'a', part: 'eps', frames: [], kept: kept(3) });
    expect(asked).toHaveLength(1);
  });
});

describe('rows', () => {
  it('compared are drawn from one noise', () => {
    const compared = [FORM, { ...FORM, solver: 'ddpm', seed: 1, count: 4 }] as const;
    const forms = formsToSample({ ...FORM, seed: 9, count: 2 }, compared);
    expect(forms.map(({ solver, seed, count }) => [solver, seed, count])).toEqual([
      ['ddim', 9, 2],
      ['ddpm', 9, 2],
    ]);
    expect(formsToSample(FORM, [])).toEqual([FORM]);
  });

  it('have a name', () => {
    expect(rowLabel(FORM)).toBe('DDIM, 50 steps');
    expect(rowLabel({ ...FORM, steps: 1, eta: 0.5 })).toBe('DDIM, 1 step, η 0.5');
    expect(rowLabel({ ...FORM, solver: 'ddpm' })).toBe('DDPM, all timesteps');
  });

  it('have the model’s solver by its name as soon as that is known', () => {
    const form = { ...FORM, solver: null, own: { order: 3, threshold: 0.9 } } as const;
    expect(rowLabel(withSolver(form, null))).toBe('The model’s solver');
    expect(rowLabel({ ...FORM, solver: null, steps: 20 })).toBe('The model’s solver, 20 steps');
    expect(withSolver(form, { own: 'unipc', taken: 'unipc' })).toEqual({
      ...FORM,
      solver: 'unipc',
      own: { order: 3, threshold: 0.9 },
    });
    expect(withSolver(form, { own: 'euler', taken: 'euler' })).toEqual({
      ...FORM,
      solver: 'euler',
    });
    expect(solverOf(FORM, { own: 'euler', taken: 'euler' })).toBe('ddim');
  });

  it.each([
    [null, 'The model’s own', /^$/],
    [{ own: 'heun', taken: 'heun' }, 'Heun (the model’s)', /^Heun is the scheduler that/],
    [{ own: 'ddpm', taken: 'ddim' }, 'DDIM (the model’s)', /names DDPM, .* DDIM takes its place/],
    [{ own: null, taken: 'ddim' }, 'DDIM (the model’s)', /not known here: DDIM takes its place/],
  ] as const)('offer the solver of a model, %j, as what it is', (solver, label, note) => {
    expect(modelSolverLabel(solver)).toBe(label);
    expect(modelSolverNote(solver)).toMatch(note);
  });

  it('remember where weights lie, the newest fifty', () => {
    let weights = {};
    for (let i = 0; i < 60; i++) weights = withWeights(weights, `w${i}`, `/m${i}`);
    expect(Object.keys(weights)).toHaveLength(50);
    expect(weights).not.toHaveProperty('w9');
    expect(withWeights(weights, undefined, '/m')).toBe(weights);
  });
});

describe('the command line', () => {
  const cli = '/ext/dist/cli.js';
  const auto = { cli, device: 'auto' };

  it('says what differs from the defaults', () => {
    expect(sampleCommand(FORM, auto, 'linux')).toBe(
      'node /ext/dist/cli.js sample /runs/digits-1/checkpoints/step-000500 --count 16 --solver ddim --seed 7',
    );
    const form = { ...FORM, steps: 20, eta: 0.5, spacing: 'trailing' } as const;
    expect(sampleCommand(form, { cli, device: 'cpu', threads: 2 }, 'linux')).toMatch(
      / --count 16 --solver ddim --steps 20 --eta 0.5 --spacing trailing --seed 7 --device cpu --threads 2$/,
    );
  });

  it('says classes and guidance, and of a grid its rows and columns', () => {
    const auto = { cli: '/ext/cli.js', device: 'auto' };
    const plain = { names: null, guidance: 2, rescale: 0, grid: null };
    const command = (classes: ClassForm) => sampleCommand({ ...FORM, classes }, auto, 'linux');
    expect(command(plain)).toMatch(/--count 16 --solver ddim --guidance 2 --seed 7$/);
    expect(command({ ...plain, names: ['a cat'], guidance: 3, rescale: 0.5 })).toContain(
      "--class 'a cat' --guidance 3 --guidance-rescale 0.5",
    );
    const grid = command({ ...plain, grid: { names: ['3', '5'], scales: [1, 2, 4] } });
    expect(grid).toContain('--class 3 --class 5 --guidance 1,2,4');
    expect(grid).not.toContain('--count');
  });

  it('leaves out what the solver has no use for', () => {
    const ddpm = { ...FORM, solver: 'ddpm', eta: 0.5, variance: 'fixed_large' } as const;
    expect(sampleCommand(ddpm, auto, 'linux')).toContain(
      '--solver ddpm --variance fixed_large --seed',
    );
    expect(sampleCommand({ ...ddpm, solver: 'ddim', eta: 0 }, auto, 'linux')).not.toMatch(
      /eta|variance/,
    );
  });

  it('names the program that the extension brings, wherever that lies', () => {
    const placed = { ...auto, cli: 'C:\\Users\\A B\\.vscode\\dist\\cli.js' };
    expect(sampleCommand({ ...FORM, model: 'C:\\runs\\a' }, placed, 'win32')).toMatch(
      /^node "C:\\Users\\A B\\.vscode\\dist\\cli\.js" sample C:\\runs\\a --count/,
    );
  });

  it('quotes what a shell would take apart', () => {
    expect(quoted("/it's here/$HOME", 'linux')).toBe(`'/it'\\''s here/$HOME'`);
    expect(quoted('/plain/path-1.0', 'linux')).toBe('/plain/path-1.0');
    expect(quoted('=ls', 'linux')).toBe(`'=ls'`);
  });

  it.each(['$(touch pwned)', '`touch pwned`', "'; touch pwned #", 'a\nb', '!!', '\\', '~', '-*?'])(
    'is read back by a shell: %j',
    (name) => {
      const shown = execFileSync('sh', ['-c', `printf %s ${quoted(`/w/${name}`, 'linux')}`]);
      expect(shown.toString()).toBe(`/w/${name}`);
    },
  );

  it.each([
    ['C:\\my runs\\a', '"C:\\my runs\\a"'],
    ['C:\\a & calc', '"C:\\a & calc"'],
    ["C:\\it's", `"C:\\it's"`],
    ['C:\\my runs\\', '"C:\\my runs\\\\"'],
    ['C:\\$home', `'C:\\$home'`],
    ['C:\\`n', `'C:\\\`n'`],
    ["C:\\$it's", `'C:\\$it''s'`],
    ['C:\\$a\u2019; calc', `'C:\\$a\u2019\u2019; calc'`],
    ['C:\\\u201d; calc', `'C:\\\u201d; calc'`],
  ])('is quoted for the shells of Windows: %j', (word, text) => {
    expect(quoted(word, 'win32')).toBe(text);
  });

  it.each(['C:\\%PATH%', 'C:\\a" & calc "', 'C:\\$(calc)', 'C:\\$a & calc', 'C:\\a\ncalc'])(
    'is refused where the shells of Windows would differ: %j',
    (word) => {
      expect(() => quoted(word, 'win32')).toThrow(/there is no command for it; rename its folder/);
    },
  );
});

describe('the models', () => {
  const checkpoint = (
    run: string,
    step: number,
    fault: string | null = null,
  ): CheckpointSummary => ({
    path: `/runs/${run}/checkpoints/step-${step}`,
    step,
    loss: null,
    epoch: null,
    writtenAt: 0,
    size: 0,
    fault,
    preview: null,
  });
  const run = (name: string, checkpoints: readonly CheckpointSummary[]) =>
    ({ path: `/runs/${name}`, name, checkpoints }) as RunSummary;
  const runs = [
    run('new', [checkpoint('new', 2000, 'torn'), checkpoint('new', 1000)]),
    run('old', [checkpoint('old', 500)]),
  ];

  it('are the whole checkpoints, and what was chosen elsewhere', () => {
    expect(modelChoices(runs, ['/cats/ddpm-cat', '/runs/old', '/cats/ddpm-cat'])).toEqual([
      { path: '/cats/ddpm-cat', label: 'ddpm-cat' },
      { path: '/runs/new/checkpoints/step-1000', label: 'new · step 1,000' },
      { path: '/runs/old/checkpoints/step-500', label: 'old · step 500' },
    ]);
  });

  it('of a run is its newest whole checkpoint', () => {
    expect(checkpointOf(runs, '/runs/new')).toBe('/runs/new/checkpoints/step-1000');
    expect(checkpointOf(runs, '/cats/ddpm-cat')).toBe('/cats/ddpm-cat');
  });
});

describe('classes in the samples view', () => {
  const model = { names: ['cat', 'dog'], canGuide: true };
  const first = { names: null, guidance: 2, rescale: 0, grid: null };

  it('begin with all in turn at guidance 2, and give way where the model has others', () => {
    expect(fittingClasses(undefined, model)).toEqual(first);
    expect(fittingClasses(undefined, null)).toBeUndefined();
    const asked = { ...first, names: ['fox'], guidance: 4, grid: { names: ['fox'], scales: [1] } };
    expect(fittingClasses(asked, model)).toEqual({ ...first, guidance: 4 });
    expect(fittingClasses(asked, { names: ['fox'], canGuide: true })).toEqual(asked);
    const unguided = { names: ['fox'], canGuide: false };
    expect(fittingClasses(asked, unguided)).toEqual({ ...first, names: ['fox'], guidance: 1 });
  });

  it('make a grid that is as large as can be drawn at once, a class a row', () => {
    const many = { names: Array.from({ length: 100 }, (_, i) => `c${i}`), canGuide: true };
    expect(gridOf(many).names).toEqual(many.names.slice(0, 16));
    const form = { ...FORM, classes: { ...first, grid: gridOf(model) } };
    expect(formsToSample(form, [])[0]!.count).toBe(8);
    expect([0, 3, 4].map((i) => classLabel(form, i))).toEqual([
      'class cat, guidance 1',
      'class cat, guidance 8',
      'class dog, guidance 1',
    ]);
    expect(rowLabel(form)).toBe('DDIM, 50 steps, 2 classes × guidance');
  });
});
