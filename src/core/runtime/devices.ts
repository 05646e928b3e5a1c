import { fork } from 'node:child_process';
import { StoppedError, UserError } from '../base/errors';
import type { DeviceName } from './runtime';
import { findTensorflow } from './tensorflow/load';
import { tensorflowReason } from './tensorflow/reasons';

/** What trying a device gave. */
export interface DeviceReport {
  readonly name: DeviceName;
  readonly works: boolean;
  /** Why it does not work, in a sentence; null if it works. */
  readonly reason: string | null;
  /** Time of the trial computation in milliseconds; null if it does not work. */
  readonly milliseconds: number | null;
}

/** Where devices are tried. */
export interface DevicePlaces {
  /** The bundled `probe.ts`. */
  readonly probeFile: string;
  /** The TensorFlow that the user had installed lies in it. */
  readonly cacheFolder: string;
}

/** The answer of the trial process. */
export type ProbeAnswer =
  | { readonly kind: 'works'; readonly milliseconds: number }
  | { readonly kind: 'fails'; readonly message: string };

/** A driver that has not answered by then hangs. */
const DEADLINE_MS = 30_000;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /libvulkan/i,
    'the Vulkan loader is missing: install libvulkan1 (Debian, Ubuntu) or vulkan-loader',
  ],
  [
    /no supported adapters|failed to get a webgpu adapter/i,
    'no GPU with a working driver was found',
  ],
  [
    /providers_(cuda|shared).*(no such file|cannot open)|_cuda: failed to load shared library/i,
    'ONNX Runtime’s CUDA files are not installed',
  ],
  [
    /not available|backend not found|no available backend|not supported|unsupported/i,
    'the installed ONNX Runtime has no such device on this platform',
  ],
];

/** Why a device does not work, from what its trial said, and what it wrote to stderr meanwhile. */
function reasonFor(name: DeviceName, message: string, complaints: string): string {
  if (name === 'tensorflow') return tensorflowReason(message, complaints);
  const known = REASONS.find(([pattern]) => pattern.test(`${complaints}\n${message}`));
  return known ? known[1] : message.trim().split('\n')[0]!;
}

/** The line of a process's last words that says why it ended. */
function errorIn(complaints: string): string | undefined {
  return complaints.split('\n').find((line) => /^(\w*error\b|terminate called)/i.test(line));
}

/**
 * Tries a device for real, in a process of its own, so that a driver that crashes or hangs takes
 * nothing with it.
 *
 * @param deadlineMs time to answer in, in milliseconds
 * @throws StoppedError when `signal` is aborted
 */
export function probeDevice(
  name: DeviceName,
  { probeFile, cacheFolder }: DevicePlaces,
  { deadlineMs = DEADLINE_MS, signal }: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<DeviceReport> {
  return new Promise((resolve, reject) => {
    const child = fork(probeFile, [name, cacheFolder], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaints = '';
    const failed = (message: string): DeviceReport => {
      const reason = reasonFor(name, message, complaints);
      return { name, works: false, reason, milliseconds: null };
    };
    const deadline = setTimeout(() => {
      child.kill('SIGKILL');
      settle(failed(`its driver did not answer within ${deadlineMs / 1000} seconds`));
    }, deadlineMs);
    const stop = () => {
      clearTimeout(deadline);
      child.kill('SIGKILL');
      reject(new StoppedError('stopped'));
    };
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop);
    const settle = (report: DeviceReport) => {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', stop);
      resolve(report);
    };
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    child.on('message', (answer: ProbeAnswer) => {
      if (answer.kind === 'fails') settle(failed(answer.message));
      else settle({ name, works: true, reason: null, milliseconds: answer.milliseconds });
    });
    child.on('error', (error) => settle(failed(error.message)));
    child.on('exit', (code, signal) => {
      const ended = `its driver ended the process (${signal ?? `code ${code}`})`;
      const said = errorIn(complaints);
      settle(failed(said ? `${ended}: ${said.trim()}` : ended));
    });
  });
}

/** A device that was chosen, and how the others fared. */
export interface DeviceChoice {
  readonly device: DeviceName;
  /** Why this one, in a sentence. */
  readonly why: string;
}

/** Devices that `auto` tries: those that the runtime's package brings for this platform. */
const PLATFORM_DEVICES: Partial<Record<NodeJS.Platform, readonly DeviceName[]>> = {
  win32: ['dml'],
  darwin: ['coreml'],
};
const AUTO: readonly DeviceName[] = [
  'cpu',
  'webgpu',
  ...(PLATFORM_DEVICES[process.platform] ?? []),
];

/** Of devices that were tried, those that `auto` may take: TensorFlow only where no other GPU works. */
function eligible(reports: readonly DeviceReport[]): DeviceReport[] {
  const working = reports.filter(({ works }) => works);
  const own = working.filter(({ name }) => AUTO.includes(name));
  const hasGpu = own.some(({ name }) => name !== 'cpu');
  return hasGpu ? own : working.filter(({ name }) => AUTO.includes(name) || name === 'tensorflow');
}

/** What `auto` takes of devices that were tried; null if none of its own works. */
export function fastestOf(reports: readonly DeviceReport[]): DeviceReport | null {
  return eligible(reports).sort((a, b) => a.milliseconds! - b.milliseconds!)[0] ?? null;
}

/** Tries what `auto` may take. */
async function tryForAuto(places: DevicePlaces): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of AUTO) reports.push(await probeDevice(name, places));
  const hasGpu = reports.some(({ name, works }) => works && name !== 'cpu');
  if (!hasGpu && findTensorflow(places.cacheFolder)) {
    reports.push(await probeDevice('tensorflow', places));
  }
  return reports;
}

/**
 * The device for a request: `auto` is the fastest of those that work, any other name that device.
 *
 * @throws UserError if the device that was asked for does not work, with the reason
 */
export async function chooseDevice(
  request: DeviceName | 'auto',
  places: DevicePlaces,
): Promise<DeviceChoice> {
  if (request === 'cpu') return { device: 'cpu', why: 'as asked for' };
  if (request !== 'auto') {
    const report = await probeDevice(request, places);
    if (report.works) return { device: request, why: 'as asked for' };
    throw new UserError(
      `Device ${request} does not work here: ${report.reason}; see the command devices, or use --device cpu.`,
    );
  }
  const reports = await tryForAuto(places);
  const fastest = fastestOf(reports);
  if (!fastest) {
    throw new UserError(
      `No device works here: ${reports.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}.`,
    );
  }
  const others = reports
    .filter((report) => report !== fastest)
    .map(({ name, works, reason, milliseconds }) =>
      works
        ? `${name} works but is slower (${milliseconds!.toFixed(1)} against ${fastest.milliseconds!.toFixed(1)} ms)`
        : `${name}: ${reason}`,
    );
  return { device: fastest.name, why: others.join('; ') };
}
