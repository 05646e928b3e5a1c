import { Option, type Command } from 'commander';
import { UserError } from '../core/base/errors';

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** What was typed as a number, if it is one; other text is left for the check that names it. */
export function numberOrText(text: string): number | string {
  return DECIMAL.test(text) ? Number(text) : text;
}

/** As {@link numberOrText}; a whole number that cannot be held exactly stays as it was typed. */
export function wholeOrText(text: string): number | string {
  const value = numberOrText(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}

/** '0,50,199' as a list of numbers. */
export function numberList(text: string): (number | string)[] {
  return text.split(',').map((part) => numberOrText(part.trim()));
}

/** 'betaStart' as '--beta-start', and 'at[1]' as '--at'. */
export function optionName(key: string): string {
  const letters = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return `--${letters.replace(/\[\d+\]$/, '')}`;
}

/** Options of every command that works for a while. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds the options that every command has; `--quiet` where there is progress to leave out. */
export function withCommonOptions(command: Command, { quiet }: { quiet: boolean }): Command {
  command.optionsGroup('Output:').option('--json', 'one JSON object a line on stdout');
  if (quiet) command.option('--quiet', 'no progress and no pictures');
  return command
    .option('--verbose', 'where the program is at fault, print the stack')
    .addHelpOption(new Option('-h, --help', 'print this help').helpGroup('Output:'));
}

/** The value of an option that has to be given. */
export function required(value: string | undefined, name: string, example: string): string {
  if (value) return value;
  throw new UserError(`${name} is missing; give it, such as ${name} ${example}.`);
}
