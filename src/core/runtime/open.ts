import { UserError } from '../base/errors';
import { chooseDevice, type DeviceChoice } from './devices';
import { OnnxRuntime } from './onnx/onnx-runtime';
import type { DeviceName, Runtime } from './runtime';

export interface RuntimeRequest {
  readonly device: DeviceName | 'auto' | 'tensorflow';
  readonly threads: number;
  /** Whether idle threads spin (default) or sleep. */
  readonly spin?: boolean;
  /** The bundled process that tries a device. */
  readonly probeFile: string;
}

export interface OpenedRuntime {
  readonly runtime: Runtime;
  readonly choice: DeviceChoice;
}

/**
 * Opens a device.
 *
 * @throws UserError if it does not work here, with the reason
 */
export async function openRuntime(request: RuntimeRequest): Promise<OpenedRuntime> {
  const { device, threads, spin, probeFile } = request;
  if (device === 'tensorflow') {
    throw new UserError(
      'Device tensorflow is not part of this version; use --device auto, cpu or webgpu.',
    );
  }
  const choice = await chooseDevice(device, probeFile);
  return { runtime: new OnnxRuntime({ device: choice.device, threads, spin }), choice };
}
