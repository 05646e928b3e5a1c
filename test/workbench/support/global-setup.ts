import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findBrowser, startServer } from '../../../scripts/vscode-host.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the browser takes connections. */
    browser: string;
    /** The port of the VS Code server. */
    port: number;
    /** This repository's path, as that server should see it. */
    sources: string;
  }
}

/** Starts the browser and the VS Code server that all files share. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error('No Chromium was found; CHROMIUM can name one.');
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-server-'));
  const server = await startServer({
    dataFolder: path.join(scratch, 'data'),
    env: { DIFFUSION_LAB_CACHE: path.join(scratch, 'cache') },
  });
  const isRoot = process.getuid?.() === 0;
  const browser = await chromium.launchServer({
    executablePath,
    args: isRoot ? ['--no-sandbox'] : [],
  });
  project.provide('browser', browser.wsEndpoint());
  project.provide('port', server.port);
  project.provide('sources', server.sources);
  return async () => {
    await browser.close();
    await server.stop();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  };
}
