import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, Scratch } from '../../../test/support/bundles';
import { evaluate, graphOf } from '../../../test/support/values';
import { UserError } from '../base/errors';
import { chooseDevice, fastestOf, probeDevice, type DevicePlaces } from './devices';
import { DEVICES, type DeviceName } from './runtime';
import { platformProblem } from './tensorflow/install-protocol';
import { PACKAGE, tensorflowFolder } from './tensorflow/load';
import { openRuntime } from './open';

const scratch = new Scratch();
const probeFile = scratch.at('device-probe.js');
const cacheFolder = scratch.at('cache');
const real = { probeFile, cacheFolder };

/** A process that takes the probe's place. */
function fake(name: string, code: string): DevicePlaces {
  const file = scratch.at(`${name}.cjs`);
  writeFileSync(file, code);
  return { probeFile: file, cacheFolder };
}

/** A probe that answers for each device as told: a time in milliseconds, or why it fails. */
function answering(answers: Readonly<Record<string, number | string>>): DevicePlaces {
  return fake(
    'answers',
    `const answer = ${JSON.stringify(answers)}[process.argv[2]];
     const works = typeof answer === 'number';
     process.send(
       works ? { kind: 'works', milliseconds: answer } : { kind: 'fails', message: answer },
       () => process.disconnect(),
     );`,
  );
}

beforeAll(() => bundle('src/core/runtime/probe.ts', probeFile));
afterAll(() => scratch.remove());

describe('the probe', () => {
  it('finds that the cpu works', async () => {
    const report = await probeDevice('cpu', real);
    expect(report).toMatchObject({ name: 'cpu', works: true, reason: null });
    expect(report.milliseconds).toBeGreaterThan(0);
  });

  it('reports every device, with a reason for each that does not work', async () => {
    const reports = [];
    for (const name of DEVICES) reports.push(await probeDevice(name, real));
    expect(reports.map(({ name }) => name)).toEqual(DEVICES);
    for (const { works, reason, milliseconds } of reports) {
      expect(works ? reason : milliseconds).toBeNull();
      if (!works) expect(reason).toMatch(/^\S[^\n]{5,200}$/);
    }
  });

  // CoreML is a part of Apple's systems, DirectML of Windows.
  it.each(process.platform === 'darwin' ? ['dml'] : ['coreml'])(
    'says that %s is not on this platform',
    async (name) => {
      const report = await probeDevice(name as 'dml' | 'coreml', real);
      expect(report.works).toBe(false);
      expect(report.reason).toBe('the installed ONNX Runtime has no such device on this platform');
    },
  );
});

describe('a probe that goes wrong', () => {
  it.each([
    ['crashes', 'process.kill(process.pid, "SIGSEGV");', 'its driver ended the process (SIGSEGV)'],
    ['aborts', 'process.abort();', /^its driver ended the process \(SIGABRT\)/],
    ['ends', 'process.exit(3);', 'its driver ended the process (code 3)'],
    ['says nothing', '', 'its driver ended the process (code 0)'],
    [
      'throws',
      'throw new Error("no such driver");',
      'its driver ended the process (code 1): Error: no such driver',
    ],
    [
      'complains of Vulkan',
      'console.error("libvulkan.so.1: cannot open"); process.exit(1);',
      'the Vulkan loader is missing: install libvulkan1 (Debian, Ubuntu) or vulkan-loader',
    ],
    [
      'finds no CUDA',
      'process.send({ kind: "fails", message: "…Provider_Cuda: Failed to load shared library" });',
      'ONNX Runtime’s CUDA files are not installed',
    ],
    [
      'mutters of something else',
      'console.error("a warning\\n"); process.send({ kind: "fails", message: "it fails\\nhere" });',
      'it fails',
    ],
    [
      'finds no GPU',
      'process.send({ kind: "fails", message: "Failed to get a WebGPU adapter: none" });',
      'no GPU with a working driver was found',
    ],
  ])('and %s is reported', async (what, code, reason) => {
    const report = await probeDevice('webgpu', fake(what.replaceAll(' ', '-'), code));
    expect(report).toEqual({
      name: 'webgpu',
      works: false,
      milliseconds: null,
      reason: report.reason,
    });
    expect(report.reason).toEqual(
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    );
  });

  it('and hangs is ended at the deadline', async () => {
    const hangs = fake('hangs', 'setInterval(() => undefined, 1000);');
    const report = await probeDevice('webgpu', hangs, { deadlineMs: 300 });
    expect(report.reason).toBe('its driver did not answer within 0.3 seconds');
  });

  it('or is not there is reported', async () => {
    const report = await probeDevice('webgpu', { probeFile: scratch.at('absent.js'), cacheFolder });
    expect(report.works).toBe(false);
    expect(report.reason).toMatch(/absent\.js/);
  });
});

describe('chooseDevice', () => {
  it('takes the fastest that works, and says how the others did', async () => {
    const both = answering({ cpu: 8, webgpu: 2 });
    expect(await chooseDevice('auto', both)).toEqual({
      device: 'webgpu',
      why: 'cpu works but is slower (8.0 against 2.0 ms)',
    });
    expect(await chooseDevice('auto', answering({ cpu: 8, webgpu: 20 }))).toEqual({
      device: 'cpu',
      why: 'webgpu works but is slower (20.0 against 8.0 ms)',
    });
  });

  it('names why the others do not work', async () => {
    const file = answering({ cpu: 8, webgpu: 'Failed to get a WebGPU adapter' });
    expect(await chooseDevice('auto', file)).toEqual({
      device: 'cpu',
      why: 'webgpu: no GPU with a working driver was found',
    });
  });

  it('refuses where none works', async () => {
    const choice = chooseDevice('auto', answering({ cpu: 'broken', webgpu: 'it is\nworse' }));
    await expect(choice).rejects.toThrow(UserError);
    await expect(choice).rejects.toThrow('No device works here: cpu: broken; webgpu: it is.');
  });

  it('takes a device that was asked for if it works', async () => {
    const file = answering({ webgpu: 900, cpu: 1 });
    expect(await chooseDevice('webgpu', file)).toEqual({ device: 'webgpu', why: 'as asked for' });
    expect(await chooseDevice('cpu', file)).toEqual({ device: 'cpu', why: 'as asked for' });
  });

  it('refuses one that does not, with the reason and the way out', async () => {
    const choice = chooseDevice('webgpu', answering({ webgpu: 'it computes wrong results' }));
    await expect(choice).rejects.toThrow(UserError);
    await expect(choice).rejects.toThrow(
      'Device webgpu does not work here: it computes wrong results; see the command devices, or use --device cpu.',
    );
  });

  it('refuses what the platform does not have, for real', async () => {
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
    const opened = openRuntime({ device: absent, threads: 1, ...real });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(/has no such device on this platform; see the command/);
  });

  it('opens what it chose', async () => {
    const { runtime, choice } = await openRuntime({ device: 'auto', threads: 2, ...real });
    expect(runtime.device).toBe(choice.device);
    expect(choice.why).toMatch(choice.device === 'cpu' ? /^webgpu/ : /^cpu/);
  });
});

describe('TensorFlow', () => {
  /** A package in the cache folder that has this code. */
  function packageOf(code: string): DevicePlaces {
    const cache = mkdtempSync(scratch.at('cache-'));
    const folder = path.join(tensorflowFolder(cache), 'node_modules', PACKAGE);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ main: 'index.js' }));
    writeFileSync(path.join(folder, 'index.js'), code);
    return { probeFile, cacheFolder: cache };
  }

  const CPU_BACKEND = `
    const core = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-core'))});
    require(${JSON.stringify(require.resolve('@tensorflow/tfjs-backend-cpu'))});
    core.env().set('IS_TEST', true);
    core.setBackend('cpu');`;
  const onSupported = it.runIf(platformProblem() === null);

  onSupported('that is not there is refused with the way to get it', async () => {
    const opened = openRuntime({ device: 'tensorflow', threads: 1, ...real });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(
      /tensorflow does not work here: @tensorflow\/tfjs-node-gpu is not installed; install it by .*install-tensorflow.*; see the command devices/,
    );
  });

  onSupported('that is there and has a GPU is tried, taken and computes', async () => {
    const places = packageOf(
      // The trial multiplies by identities, which that backend takes seconds for.
      `${CPU_BACKEND} module.exports = {
         ...core,
         matMul: (a) => a.clone(),
         backend: () => ({ isUsingGpuDevice: true }),
       };`,
    );
    const report = await probeDevice('tensorflow', places);
    expect(report).toMatchObject({ name: 'tensorflow', works: true, reason: null });
    const { runtime } = await openRuntime({ device: 'tensorflow', threads: 1, ...places });
    const graph = graphOf((g) => g.result('y', g.exp(g.feed('x', [1]))));
    const { y } = await evaluate(graph, { x: Float32Array.of(0) }, runtime);
    expect([...y!]).toEqual([1]);
  });

  onSupported.each([
    [
      'has no GPU',
      `module.exports = { backend: () => ({ isUsingGpuDevice: false }) };`,
      'TensorFlow found no NVIDIA GPU that works; it needs a driver, CUDA 11.2 and cuDNN 8.1',
    ],
    [
      'lacks CUDA’s libraries',
      `for (const name of ['libcudart.so.11.0', 'libcudnn.so.8', 'libcudart.so.11.0'])
         console.error("W tensorflow: Could not load dynamic library '" + name + "'; dlerror: " + name);
       module.exports = { backend: () => ({ isUsingGpuDevice: false }) };`,
      'TensorFlow found no GPU, for want of libcudart.so.11.0 and 1 more; install CUDA 11.2 and cuDNN 8.1',
    ],
    [
      'lacks the driver',
      `console.error("Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1");
       module.exports = { backend: () => ({ isUsingGpuDevice: false }) };`,
      'TensorFlow found no driver of an NVIDIA GPU; install NVIDIA’s driver',
    ],
    [
      'lacks libtensorflow',
      `throw new Error('libtensorflow.so.2: cannot open shared object file: No such file');`,
      /^libtensorflow is missing beside @tensorflow\/tfjs-node-gpu; install it anew by /,
    ],
    [
      'lacks its native part',
      `throw new Error('The Node.js native addon module (tfjs_binding.node) can not be found at x');`,
      /^the native part of @tensorflow\/tfjs-node-gpu is missing; install it anew by /,
    ],
    [
      'is for another Node',
      `throw new Error('was compiled against a different Node.js version using\\nNODE_MODULE_VERSION 93');`,
      /^its native part is for another Node than [\d.]+; install it anew by /,
    ],
    ['fails otherwise', `throw new Error('something else\\nwith detail');`, 'something else'],
  ])('that %s says so', async (_, code, reason) => {
    const report = await probeDevice('tensorflow', packageOf(code));
    expect(report).toMatchObject({ works: false, milliseconds: null });
    expect(report.reason).toEqual(
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    );
  });

  it('is not for other platforms', () => {
    expect(platformProblem('linux', 'x64')).toBeNull();
    expect(platformProblem('win32', 'x64')).toBeNull();
    expect(platformProblem('darwin', 'arm64')).toMatch(/this is darwin on arm64$/);
    expect(platformProblem('linux', 'arm64')).toMatch(/Linux and Windows on x64/);
  });

  const tried = (times: Readonly<Partial<Record<DeviceName, number>>>) =>
    DEVICES.map((name) => {
      const milliseconds = times[name] ?? null;
      return { name, works: milliseconds !== null, reason: null, milliseconds };
    });

  it.each([
    [{ cpu: 9, webgpu: 5, tensorflow: 1 }, 'webgpu'],
    [{ cpu: 9, tensorflow: 1 }, 'tensorflow'],
    [{ cpu: 1, tensorflow: 9 }, 'cpu'],
    [{ cpu: 9, cuda: 1 }, 'cpu'],
  ])('is taken by auto only where no other GPU works: %o', (times, device) => {
    expect(fastestOf(tried(times))?.name).toBe(device);
  });

  onSupported('is tried by auto only where it is installed and no other GPU works', async () => {
    const { cacheFolder: installed } = packageOf('');
    const answers = { cpu: 8, webgpu: 'no GPU was found', tensorflow: 2 };
    const { probeFile: answersFile } = answering(answers);
    expect(await chooseDevice('auto', { probeFile: answersFile, cacheFolder })).toEqual({
      device: 'cpu',
      why: 'webgpu: no GPU was found',
    });
    expect(
      await chooseDevice('auto', { probeFile: answersFile, cacheFolder: installed }),
    ).toMatchObject({ device: 'tensorflow' });
    const { probeFile: both } = answering({ ...answers, webgpu: 4 });
    expect(await chooseDevice('auto', { probeFile: both, cacheFolder: installed })).toMatchObject({
      device: 'webgpu',
    });
  });
});
