// Runs the Mocha suite in test/vscode/suite inside the extension host of a real VS Code.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from './setup.mjs';
import { chooseHost, findBrowser, startServer, TEST_CACHE, workbenchUrl } from './vscode-host.mjs';

const SOURCES = path.join(ROOT, 'test', 'vscode', 'suite');
const BUNDLES = path.join(TEST_CACHE, 'suite');
const DEADLINE_MS = 5 * 60_000;
/** What a window needs to stay quiet. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
};

async function bundle() {
  const { build } = await import('esbuild');
  fs.rmSync(BUNDLES, { recursive: true, force: true });
  const files = fs.readdirSync(SOURCES).filter((name) => /^index\.ts$|\.test\.ts$/.test(name));
  await build({
    entryPoints: files.map((name) => path.join(SOURCES, name)),
    outdir: BUNDLES,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    external: ['vscode', 'mocha', 'onnxruntime-node', 'sharp'],
    logLevel: 'warning',
  });
}

/** Resolves when VS Code says that the suite ended, with what it said. */
async function inCodeServer({ scratch, workspace, env }) {
  const executablePath = findBrowser();
  if (!executablePath) throw new Error('no Chromium was found; CHROMIUM can name one');
  const { chromium } = await import('playwright-core');
  const server = await startServer({ dataFolder: path.join(scratch, 'data'), env });
  const isRoot = process.getuid?.() === 0;
  const browser = await chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] });
  try {
    const page = await browser.newPage();
    let said = '';
    const ended = new Promise((resolve) => {
      void page.exposeFunction('codeAutomationLog', (_kind, args) => (said += `${args}\n`));
      void page.exposeFunction('codeAutomationExit', resolve);
    });
    await page.goto(
      workbenchUrl(server.port, { folder: workspace, extension: server.sources, tests: BUNDLES }),
    );
    await Promise.race([ended, server.ended, deadline()]);
    return () => `${said}${server.log()}`;
  } finally {
    await browser.close();
    await server.stop();
  }
}

async function inVsCode({ scratch, workspace, env }) {
  const { runTests } = await import('@vscode/test-electron');
  let said = '';
  const running = runTests({
    cachePath: TEST_CACHE,
    extensionDevelopmentPath: ROOT,
    extensionTestsPath: BUNDLES,
    extensionTestsEnv: env,
    launchArgs: [
      workspace,
      ...['--disable-extensions', '--disable-workspace-trust', '--skip-welcome'],
      ...[`--user-data-dir=${path.join(scratch, 'data')}`],
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  }).catch((error) => (said = String(error)));
  await Promise.race([running, deadline()]);
  return () => said;
}

function deadline() {
  return new Promise((resolve) => setTimeout(resolve, DEADLINE_MS).unref());
}

/**
 * Builds and runs the suite; tells of failures on stderr.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 * @throws where it did not run to its end
 */
export async function runHostSuite() {
  const host = await chooseHost();
  process.stderr.write(`Extension host: ${host.kind} (${host.reason}) …\n`);
  await bundle();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-host-'));
  const workspace = path.join(scratch, 'workspace');
  fs.mkdirSync(path.join(workspace, '.vscode'), { recursive: true });
  fs.writeFileSync(path.join(workspace, '.vscode', 'settings.json'), JSON.stringify(SETTINGS));
  const report = path.join(scratch, 'report.json');
  const env = {
    DIFFUSION_LAB_TEST_REPORT: report,
    DIFFUSION_LAB_CACHE: path.join(scratch, 'cache'),
    ...(process.env.TEST_GREP ? { TEST_GREP: process.env.TEST_GREP } : {}),
  };
  try {
    const open = host.kind === 'vscode' ? inVsCode : inCodeServer;
    const said = await open({ scratch, workspace, env });
    if (!fs.existsSync(report)) {
      throw new Error(`the suite did not run to its end; VS Code said:\n${said()}`);
    }
    const { failures, ...counts } = JSON.parse(fs.readFileSync(report, 'utf8'));
    for (const { title, message } of failures) process.stderr.write(`✗ ${title}\n${message}\n\n`);
    return counts;
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}
