import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UserError } from '../src/core/base/errors';

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * The options of a bench's command line.
 *
 * @throws UserError with what is wrong: an option that is unknown or lacks its value, or an argument
 */
export function optionsFrom<T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UserError((error as Error).message.replaceAll('\n', ' '));
  }
}

/** @throws UserError naming the option, if the text is no whole number from 1 */
export function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new UserError(`--${name} is ${text}; give a whole number from 1.`);
}

/** Runs a bench: what the user did wrong is a sentence and exit 2, a fault of ours its trace and exit 1. */
export function runMain(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    const isUsers = error instanceof UserError;
    process.stderr.write(`error: ${isUsers ? error.message : (error as Error).stack}\n`);
    process.exitCode = isUsers ? 2 : 1;
  });
}
