import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { RunFiles } from './run-files';
import type { Workspace } from './workspace';

const CLI = path.resolve(import.meta.dirname, '../../../dist/cli.js');

/** The command line, training a run of a workspace beside the window. */
export class CommandLine {
  private readonly child;
  private readonly exited: Promise<unknown>;
  private said = '';

  private constructor(
    readonly run: RunFiles,
    args: readonly string[],
  ) {
    this.child = spawn(process.execPath, [CLI, 'train', ...args, '--quiet'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.exited = once(this.child, 'close');
  }

  /**
   * Begins a run.
   *
   * @param config a configuration file of the workspace
   * @param name of the run
   */
  static train(workspace: Workspace, config: string, name: string): CommandLine {
    const run = new RunFiles(workspace.at('runs', name));
    return new CommandLine(run, ['--config', workspace.at(config), '--out', run.path]);
  }

  static resume(run: RunFiles): CommandLine {
    return new CommandLine(run, ['--resume', run.path]);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /**
   * Settles when it has done all steps.
   *
   * @throws if it ended otherwise
   */
  async finished(): Promise<void> {
    await this.exited;
    const { exitCode } = this.child;
    if (exitCode !== 0) throw new Error(`The command line ended with ${exitCode}:\n${this.said}`);
  }

  /** Ends it as Ctrl+C does, with a checkpoint; does nothing where it has ended. */
  async interrupt(): Promise<void> {
    this.child.kill('SIGINT');
    await this.exited;
  }
}
