import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, Scratch } from '../../../test/support/bundles';
import { UserError } from '../base/errors';
import { chooseDevice, probeDevice } from './devices';
import { DEVICES } from './runtime';
import { openRuntime } from './open';

const scratch = new Scratch();
const probeFile = scratch.at('device-probe.js');

/** A process that takes the probe's place. */
function fake(name: string, code: string): string {
  const file = scratch.at(`${name}.cjs`);
  writeFileSync(file, code);
  return file;
}

/** A probe that answers for each device as told: a time in milliseconds, or why it fails. */
function answering(answers: Readonly<Record<string, number | string>>): string {
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
    const report = await probeDevice('cpu', probeFile);
    expect(report).toMatchObject({ name: 'cpu', works: true, reason: null });
    expect(report.milliseconds).toBeGreaterThan(0);
  });

  it('reports every device, with a reason for each that does not work', async () => {
    const reports = [];
    for (const name of DEVICES) reports.push(await probeDevice(name, probeFile));
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
      const report = await probeDevice(name as 'dml' | 'coreml', probeFile);
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
    const report = await probeDevice('webgpu', hangs, 300);
    expect(report.reason).toBe('its driver did not answer within 0.3 seconds');
  });

  it('or is not there is reported', async () => {
    const report = await probeDevice('webgpu', scratch.at('absent.js'));
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
    const opened = openRuntime({ device: absent, threads: 1, probeFile });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(/has no such device on this platform; see the command/);
  });

  it('opens what it chose', async () => {
    const { runtime, choice } = await openRuntime({ device: 'auto', threads: 2, probeFile });
    expect(runtime.device).toBe(choice.device);
    expect(choice.why).toMatch(choice.device === 'cpu' ? /^webgpu/ : /^cpu/);
    const tensorflow = openRuntime({ device: 'tensorflow', threads: 1, probeFile });
    await expect(tensorflow).rejects.toThrow(UserError);
  });
});
