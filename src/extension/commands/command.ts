import * as vscode from 'vscode';
import type { CommandArguments, CommandId, Target } from '../command-ids';
import { pathOf } from '../command-ids';
import { isLive } from '../live-training';
import { Refusal, reportFailure } from '../report';
import type { Services } from '../services';
import type { RunsTree } from '../tree/runs-tree';

/** What commands work with. */
export interface CommandContext extends Services {
  readonly tree: RunsTree;
  readonly globalState: vscode.Memento;
}

/** One command: what it needs, and what it does. */
export interface Command<Id extends CommandId> {
  /** As a message names it: "Export did not happen." */
  readonly name: string;
  /** trust: refused in a workspace that is not trusted; training: refused where none is under way. */
  readonly needs: 'trust' | 'training' | null;
  readonly run: (
    context: CommandContext,
    ...args: CommandArguments[Id]
  ) => Promise<unknown> | unknown;
}

/** A command whose arguments come from outside. */
type AnyCommand = Omit<Command<CommandId>, 'run'> & {
  readonly run: (context: CommandContext, ...args: unknown[]) => unknown;
};

export type CommandTable = { readonly [Id in CommandId]: Command<Id> };

/** Registers all commands of a table. Their failures are told, never thrown. */
export function registerCommands(table: CommandTable, context: CommandContext): vscode.Disposable {
  const ids = Object.keys(table) as CommandId[];
  const commands = ids.map((id) =>
    vscode.commands.registerCommand(id, (...args: unknown[]) =>
      perform(table[id] as AnyCommand, context, withSelection(args, context.tree)),
    ),
  );
  return vscode.Disposable.from(...commands);
}

async function perform(
  command: AnyCommand,
  context: CommandContext,
  args: unknown[],
): Promise<unknown> {
  try {
    if (command.needs === 'trust') requireTrust(command.name);
    if (command.needs === 'training') requireTraining(context);
    return await command.run(context, ...args);
  } catch (error) {
    return reportFailure(error, command.name, context.log);
  }
}

function requireTrust(name: string): void {
  if (vscode.workspace.isTrusted) return;
  throw new Refusal(
    `${name} is off in Restricted Mode: training writes into this workspace and follows its settings. Trust the workspace to train.`,
    {
      'Manage Workspace Trust': () => vscode.commands.executeCommand('workbench.trust.manage'),
    },
  );
}

function requireTraining({ engine }: CommandContext): void {
  if (isLive(engine.training)) return;
  throw new Refusal(
    'Nothing is being trained by this window’s engine; start with Diffusion: Train.',
    {
      'Train…': () => vscode.commands.executeCommand('diffusion.train'),
    },
  );
}

/** A key binding has no item to hand over: it stands for what is selected in the tree. */
function withSelection(args: unknown[], tree: RunsTree): unknown[] {
  const [first] = args;
  const isFromTree = typeof first === 'object' && first !== null && 'selection' in first;
  return isFromTree ? [tree.selection[0], tree.selection] : args;
}

/** The paths that a command was given: all that were selected, if it was called on one of them. */
export function pathsOf(first?: Target, all?: readonly Target[]): string[] {
  const several = Array.isArray(all) ? (all as readonly Target[]) : [];
  const given = several.length > 0 ? several : first === undefined ? [] : [first];
  return [...new Set(given.map(pathOf))];
}
