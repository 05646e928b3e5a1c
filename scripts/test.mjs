// npm test: installs what is missing, then runs the compiler, the linter and all suites.
//   npm test -- --only unit|package|host|workbench [--only …]   some suites, without the checks
//   npm test -- <part of a file's path> …                       some files, of the unit tests or the suite named
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDebianPackages } from './debian-packages.mjs';
import { build, fail, install, run } from './setup.mjs';
import { findBrowser } from './vscode-host.mjs';

const NOTHING = { passed: 0, failed: 0, skipped: 0 };

/** A suite's name, where it needs more than Node, and how it is run. */
const SUITES = {
  unit: { run: (files) => vitest('vitest.config.mts', files) },
  package: { run: (files) => vitest('test/package/vitest.config.mts', files) },
  host: { needsBrowser: true, run: hostSuite },
  workbench: {
    needsBrowser: true,
    run: (files) => vitest('test/workbench/vitest.config.mts', files),
  },
};

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { only: { type: 'string', multiple: true } },
    });
    const only = values.only ?? (positionals.length > 0 ? ['unit'] : null);
    const unknown = only?.find((name) => !Object.hasOwn(SUITES, name));
    if (unknown !== undefined) {
      return fail(`--only ${unknown}: the suites are ${Object.keys(SUITES).join(', ')}.`);
    }
    return { only, files: positionals };
  } catch (error) {
    return fail(error.message.replaceAll('\n', ' '));
  }
}

function bin(name) {
  return path.join('node_modules', '.bin', name);
}

function check(what, command, args) {
  process.stderr.write(`${what} …\n`);
  if (!run(command, args)) fail(`${what} failed; see above.`);
}

/** Runs vitest; a run that failed without a failed test counts as one. */
function vitest(config, files) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'diffusion-lab-'));
  const report = path.join(folder, 'report.json');
  const ok = run(bin('vitest'), [
    ...['run', '--config', config],
    ...['--reporter=dot', '--reporter=json', `--outputFile.json=${report}`],
    ...files,
  ]);
  const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {};
  rmSync(folder, { recursive: true, force: true });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = counts;
  const failed = ok ? numFailedTests : Math.max(1, numFailedTests);
  return { passed: numPassedTests, failed, skipped: numPendingTests };
}

async function hostSuite() {
  const { runHostSuite } = await import('./test-host.mjs');
  try {
    return await runHostSuite();
  } catch (error) {
    process.stderr.write(`The extension-host suite did not run: ${error.message}\n`);
    return { ...NOTHING, failed: 1 };
  }
}

/** Without a browser: a failure in CI, and elsewhere one loud line. */
function withoutBrowser(name) {
  process.stderr.write(
    `\n!!! The ${name} suite is not run: there is no Chromium (CHROMIUM can name one) !!!\n\n`,
  );
  return process.env.CI ? { ...NOTHING, failed: 1 } : { ...NOTHING, skipped: 1 };
}

async function runSuite(name, files) {
  const suite = SUITES[name];
  if (suite.needsBrowser && findBrowser() === null) return withoutBrowser(name);
  process.stderr.write(`Suite: ${name} …\n`);
  const started = Date.now();
  const counts = await suite.run(files);
  const ran = counts.passed + counts.failed > 0;
  const total = ran ? counts : { ...counts, failed: 1 };
  const seconds = Math.round((Date.now() - started) / 1000);
  process.stderr.write(`Suite: ${name}: ${inWords(total)} (${seconds} s)\n`);
  return total;
}

function inWords({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

// Ending by 'exit' takes the servers along that a suite has started.
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));

const { only, files } = readArguments();
install();
installDebianPackages();
build();
if (!only) {
  check('Types', bin('tsc'), ['--noEmit']);
  check('Types of the views', bin('tsc'), ['--noEmit', '-p', 'webview']);
  check('Lint', bin('eslint'), ['.']);
  check('Format', bin('prettier'), ['--check', '--log-level=warn', '.']);
}
const totals = { ...NOTHING };
for (const name of only ?? Object.keys(SUITES)) {
  const counts = await runSuite(name, files);
  for (const key of Object.keys(totals)) totals[key] += counts[key];
}
process.stdout.write(`${inWords(totals)}\n`);
process.exit(totals.failed > 0 ? 1 : 0);
