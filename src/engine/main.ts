import os from 'node:os';
import net from 'node:net';
import path from 'node:path';
import { rm, rmdir } from 'node:fs/promises';
import { RunDirectory } from '../core/checkpoint/run-directory';
import { programFiles } from '../core/train/program-files';
import { ComputeThread } from './compute/thread';
import { Engine } from './engine';
import { Lifetime } from './lifetime';
import { PROTOCOL_VERSION, type EngineStart } from './protocol';
import { removeRecord, writeRecord } from './record';
import { Window } from './window';

/** The engine's process: told by its parent where to listen, it serves windows until none needs it. */

/** Time that the end may take, beyond the training's checkpoint. */
const END_MS = 5_000;
/** Time for a call of ONNX Runtime that is under way; one that takes longer hangs in a driver. */
const HANG_MS = 60_000;

/** Leaves the cores to the editor where both want them. Threads made later are alike. */
function stepBack(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Not allowed here: then all are equal.
  }
}

class Process {
  private readonly server = net.createServer((socket) => void new Window(socket, this.engine));
  private readonly compute: ComputeThread;
  private readonly engine: Engine;
  private readonly lifetime: Lifetime;
  private ending: Promise<void> | null = null;
  private isRetiring = false;

  constructor(private readonly start: EngineStart) {
    const surroundings = {
      ...programFiles(__dirname),
      cacheFolder: start.cacheFolder,
      defaultThreads: start.defaultThreads,
      spin: false,
    };
    const file = path.join(__dirname, 'engine-compute.js');
    this.compute = new ComputeThread(file, surroundings, (error) => this.fail(error));
    const check = () => this.lifetime.check();
    this.engine = new Engine(start.token, surroundings, this.compute, () => this.end(), check);
    this.lifetime = new Lifetime(
      () => this.engine,
      () => void this.retire(),
    );
  }

  async listen(): Promise<void> {
    const { address, token, recordFile } = this.start;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(address, resolve);
    });
    const { pid } = process;
    const host = os.hostname();
    await writeRecord(recordFile, { protocol: PROTOCOL_VERSION, pid, host, address, token });
    this.lifetime.check();
  }

  /**
   * Nobody needs the engine: ends a training with a checkpoint, and then the process, unless a window
   * has come meanwhile. Until then windows find this engine, and see how the training ends.
   */
  private async retire(): Promise<void> {
    if (this.isRetiring || this.ending) return;
    this.isRetiring = true;
    const { training, windows } = this.engine;
    // A training that fails now has said so in its record.
    if (training.isBusy) await training.stop();
    this.isRetiring = false;
    if (windows.size > 0) this.lifetime.check();
    else await this.end();
  }

  /**
   * Ends a training with a checkpoint, lets the windows know, clears up, and ends the process. Windows
   * find this engine until the training has ended: its run is no other's before.
   */
  end(): Promise<void> {
    this.ending ??= this.conclude().then(
      () => this.quit(0),
      (error: unknown) => this.fail(error),
    );
    return this.ending;
  }

  /** An error of ours: the log has it, the run's record says so, and the process ends. */
  fail(error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`The engine failed: ${stack}\n`);
    setTimeout(() => void this.quit(1), END_MS);
    // A training that went on would write over what its record is about to say.
    void this.compute.end();
    const work = [this.markFailed(error), this.clearUp()];
    void Promise.allSettled(work).then(() => this.quit(1));
  }

  /** Ends the process, once nothing is being computed: that cannot be cut short. */
  async quit(code: number): Promise<void> {
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), HANG_MS);
    await this.compute.end();
    process.exit(code);
  }

  private async conclude(): Promise<void> {
    await this.engine.finishTraining();
    setTimeout(() => void this.quit(0), END_MS);
    this.server.close();
    await Promise.all([this.clearUp(), this.engine.takeLeave()]);
  }

  private async clearUp(): Promise<void> {
    const { address, recordFile, token } = this.start;
    await removeRecord(recordFile, token);
    if (process.platform === 'win32') return;
    await rm(address, { force: true });
    // Its folder was made for it; one that holds more stays.
    await rmdir(path.dirname(address)).catch(() => undefined);
  }

  private async markFailed(error: unknown): Promise<void> {
    const { training } = this.engine;
    const run = training.isBusy ? training.status?.run : null;
    if (!run) return;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `The engine failed: ${reason}`;
    await (await RunDirectory.open(run)).update({ status: 'failed', message });
  }
}

function tellParent(message: unknown): void {
  process.send?.(message, () => {
    if (process.connected) process.disconnect();
  });
}

function catchSignals(engine: Process): void {
  let asked = false;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (asked) return void engine.quit(130);
      asked = true;
      void engine.end();
    });
  }
}

async function main(start: EngineStart): Promise<void> {
  const engine = new Process(start);
  process.on('uncaughtException', (error) => engine.fail(error));
  process.on('unhandledRejection', (error) => engine.fail(error));
  try {
    await engine.listen();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    tellParent({ kind: 'failed', message: `The engine cannot listen: ${message}.` });
    return engine.fail(error);
  }
  catchSignals(engine);
  tellParent({ kind: 'ready' });
}

stepBack();
if (process.send) {
  process.once('message', (start: EngineStart) => void main(start));
} else {
  process.stderr.write('The engine is started by the extension, not by hand.\n');
  process.exitCode = 2;
}
