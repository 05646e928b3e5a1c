import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Runner } from 'mocha';

interface Report {
  passed: number;
  failed: number;
  skipped: number;
  readonly failures: { readonly title: string; readonly message: string }[];
}

const SLOWEST_MS = 120_000;

/** Written beside its place and renamed, so that whoever waits for it finds a whole one. */
function write(report: Report): void {
  const file = process.env.DIFFUSION_LAB_TEST_REPORT;
  if (!file) throw new Error('DIFFUSION_LAB_TEST_REPORT has to name the file of the report');
  writeFileSync(`${file}.new`, JSON.stringify(report));
  renameSync(`${file}.new`, file);
}

function collect(runner: Runner): Report {
  const report: Report = { passed: 0, failed: 0, skipped: 0, failures: [] };
  runner.on('pass', () => report.passed++);
  runner.on('pending', () => report.skipped++);
  runner.on('fail', (test, error: Error) => {
    report.failed++;
    report.failures.push({ title: test.fullTitle(), message: error.stack ?? error.message });
  });
  return report;
}

/** Called by VS Code in its extension host: runs the test bundles beside this one. */
export async function run(): Promise<void> {
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ ui: 'bdd', timeout: SLOWEST_MS, grep: process.env.TEST_GREP });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.js')) mocha.addFile(path.join(__dirname, name));
  }
  await new Promise<void>((resolve, reject) => {
    const runner = mocha.run((failures) => {
      write(report);
      if (failures === 0) resolve();
      else reject(new Error(`${failures} failed`));
    });
    const report = collect(runner);
  });
}
