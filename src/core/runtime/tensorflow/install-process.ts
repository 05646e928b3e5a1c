import path from 'node:path';
import { oneLine } from '../../base/files';
import { UserError } from '../../base/errors';
import { probeDevice } from '../devices';
import { installTensorflow } from './install';
import type { InstallMessage } from './install-protocol';

/**
 * The process that installs TensorFlow for the editor: told the cache folder, it sends
 * {@link InstallMessage}s. It stops when its parent leaves, and leaves nothing that is not whole.
 */

function tell(message: InstallMessage): void {
  if (process.connected) process.send!(message);
}

async function work(cacheFolder: string, signal: AbortSignal): Promise<InstallMessage> {
  try {
    const onProgress = (line: string) => tell({ kind: 'progress', line });
    await installTensorflow({ cacheFolder, onProgress, signal });
    tell({ kind: 'installed' });
    const places = { probeFile: path.join(__dirname, 'device-probe.js'), cacheFolder };
    const { works, reason } = await probeDevice('tensorflow', places, { signal });
    return { kind: 'done', works, reason };
  } catch (error) {
    const message = error instanceof UserError ? error.message : `${oneLine(error)}.`;
    return { kind: 'failed', message };
  }
}

const controller = new AbortController();
process.on('disconnect', () => controller.abort());
void work(process.argv[2]!, controller.signal).then((message) => {
  tell(message);
  if (process.connected) process.disconnect();
});
