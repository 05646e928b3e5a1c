import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle, Scratch } from './bundles';
import { tinySettings } from './tiny-settings';

const ROOT = path.resolve(__dirname, '../..');
const ENTRIES = {
  cli: 'src/cli/main.ts',
  'data-worker': 'src/core/data/worker.ts',
  'device-probe': 'src/core/runtime/probe.ts',
};

export interface Event {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a command did. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The lines of stdout, each of which has to be a JSON object. */
export function eventsOf({ stdout }: Finished): Event[] {
  const lines = stdout.split('\n');
  if (lines.pop() !== '') throw new Error('stdout does not end in a whole line');
  return lines.map((line) => JSON.parse(line) as Event);
}

export interface RunOptions {
  /** Default: the scratch folder itself. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every whole line of stdout. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

/** The bundled command line, in a folder of its own. */
export class CommandLine extends Scratch {
  /** The settings file with {@link tinySettings}, on one thread. */
  readonly config = this.at('tiny.json');

  static async build(): Promise<CommandLine> {
    const cli = new CommandLine();
    mkdirSync(cli.at('dist'));
    copyFileSync(path.join(ROOT, 'package.json'), cli.at('package.json'));
    writeFileSync(cli.config, JSON.stringify({ ...tinySettings(), threads: 1 }));
    await Promise.all(
      Object.entries(ENTRIES).map(([name, source]) => bundle(source, cli.at('dist', `${name}.js`))),
    );
    return cli;
  }

  run(
    args: readonly string[],
    { cwd = this.path, env = {}, onLine }: RunOptions = {},
  ): Promise<Finished> {
    const child = spawn(process.execPath, [this.at('dist', 'cli.js'), ...args], {
      cwd,
      env: { ...process.env, DIFFUSION_LAB_CACHE: this.at('cache'), ...env },
    });
    let stdout = '';
    let stderr = '';
    let seen = 0;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      for (let end = stdout.indexOf('\n', seen); end >= 0; end = stdout.indexOf('\n', seen)) {
        onLine?.(stdout.slice(seen, end), child);
        seen = end + 1;
      }
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }
}
