import { chooseDevice, type DeviceChoice, type DevicePlaces } from './devices';
import { OnnxRuntime } from './onnx/onnx-runtime';
import type { DeviceName, Runtime } from './runtime';
import { loadTensorflow } from './tensorflow/load';
import { TensorflowRuntime } from './tensorflow/tensorflow-runtime';

export interface RuntimeRequest extends DevicePlaces {
  readonly device: DeviceName | 'auto';
  readonly threads: number;
  /** Whether idle threads spin (default) or sleep. */
  readonly spin?: boolean;
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
  const { threads, spin, cacheFolder } = request;
  const choice = await chooseDevice(request.device, request);
  return { runtime: makeRuntime(choice.device, { threads, spin, cacheFolder }), choice };
}

function makeRuntime(
  device: DeviceName,
  { threads, spin, cacheFolder }: Pick<RuntimeRequest, 'threads' | 'spin' | 'cacheFolder'>,
): Runtime {
  if (device === 'tensorflow') return new TensorflowRuntime(loadTensorflow(cacheFolder));
  return new OnnxRuntime({ device, threads, spin });
}
