/** Entry of the thread that makes batches: started by `openBatches`, bundled to a file of its own. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { UserError } from '../base/errors';
import { BatchMaker } from './batch';
import { buffersOf, type MainToWorker, type WorkerSetup, type WorkerToMain } from './protocol';
import { openReader } from './reader';

function serve(port: MessagePort, setup: WorkerSetup): void {
  const send = (message: WorkerToMain, transfer: ArrayBuffer[] = []) =>
    port.postMessage(message, transfer);
  const failing = (work: () => void) => {
    try {
      work();
    } catch (error) {
      send({ type: 'failed', ...describe(error) });
      port.close();
    }
  };
  failing(() => {
    const maker = new BatchMaker(openReader(setup.source), setup.recipe);
    port.on('message', (message: MainToWorker) =>
      failing(() => {
        const batch = maker.make(message.index, message.reuse);
        send({ type: 'batch', batch }, buffersOf(batch));
      }),
    );
  });
}

function describe(error: unknown): { fault: 'user' | 'ours'; message: string } {
  if (error instanceof UserError) return { fault: 'user', message: error.message };
  return { fault: 'ours', message: error instanceof Error ? error.message : String(error) };
}

if (parentPort) serve(parentPort, workerData as WorkerSetup);
