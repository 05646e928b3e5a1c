import type { Command, CommanderError } from 'commander';
import { StoppedError, UserError } from '../core/base/errors';
import { asUserError, oneLine } from '../core/base/files';

/** A file system's error as the user's, where no one nearer to it has said what was being done. */
function known(error: unknown): unknown {
  if (!(error instanceof Error) || !('path' in error)) return error;
  return asUserError(error, 'use', String(error.path));
}

/** 130: stopped on purpose; 2: the user can mend it; 1: our fault. */
export function exitCodeOf(error: unknown): 1 | 2 | 130 {
  if (error instanceof StoppedError) return 130;
  return known(error) instanceof UserError ? 2 : 1;
}

/** One line for stderr; null where there is nothing to say. */
export function messageFor(error: unknown): string | null {
  if (error instanceof StoppedError) return null;
  const cause = known(error);
  if (cause instanceof UserError) return cause.message.replace(/\s*\n\s*/g, ' ').trim();
  return (
    `${oneLine(error)} (a fault of diffusion-lab: please report it with the command and, ` +
    'from --verbose, the stack)'
  );
}

/** A usage error of commander's as one line that ends with the way out. */
export function usageMessage(
  error: CommanderError,
  program: Command,
  args: readonly string[],
): string {
  const command = program.commands.find((each) => args.includes(each.name()));
  const help = [program.name(), command?.name(), '--help'].filter(Boolean).join(' ');
  const [what, guess] = error.message.replace(/^error: /, '').split('\n');
  const question = guess?.replace(/^\(Did you mean (.*)\?\)$/, 'did you mean $1?');
  return `${what!.replace(/\.$/, '')}; ${question ? `${question} (${help})` : `see ${help}`}`;
}
