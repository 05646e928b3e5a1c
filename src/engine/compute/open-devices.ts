import type { DeviceChoice } from '../../core/runtime/devices';
import { openRuntime, type RuntimeRequest } from '../../core/runtime/open';
import type { Runtime } from '../../core/runtime/runtime';
import { DenoiserCache } from '../../core/sample/denoiser-cache';
import type { Surroundings } from '../../core/train/setup';

/** A device with the models that were compiled for it. */
export interface OpenDevice {
  readonly runtime: Runtime;
  readonly choice: DeviceChoice;
  readonly cache: DenoiserCache;
}

/** Devices that were opened for sampling, each once: trying one for real takes a second or more. */
export class OpenDevices {
  private readonly opened = new Map<string, Promise<OpenDevice>>();

  constructor(private readonly surroundings: Surroundings) {}

  /** @throws UserError if it does not work here */
  get(device: RuntimeRequest['device'], threads: number): Promise<OpenDevice> {
    const key = `${device} ${threads}`;
    const known = this.opened.get(key);
    if (known) return known;
    const opening = this.open(device, threads);
    this.opened.set(key, opening);
    opening.catch(() => this.opened.delete(key));
    return opening;
  }

  private async open(device: RuntimeRequest['device'], threads: number): Promise<OpenDevice> {
    const { probeFile, cacheFolder, spin } = this.surroundings;
    const request = { device, threads, spin, probeFile, cacheFolder };
    const { runtime, choice } = await openRuntime(request);
    return { runtime, choice, cache: new DenoiserCache(runtime) };
  }
}
