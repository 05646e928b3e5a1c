import path from 'node:path';
import { packageVsix } from '../../../scripts/package.mjs';
import { installVsix, startServer, type Server } from '../../../scripts/vscode-host.mjs';

/**
 * A server with the extension installed from its package. Open its windows with
 * `{ port: server.port, extension: null }`, and stop it at the end.
 *
 * @param folder for the package, and for all that the server keeps
 */
export async function startInstalled(folder: string): Promise<Server> {
  const dataFolder = path.join(folder, 'data');
  await installVsix(await packageVsix(folder), dataFolder);
  return startServer({
    dataFolder,
    env: { DIFFUSION_LAB_CACHE: path.join(folder, 'cache') },
  });
}
