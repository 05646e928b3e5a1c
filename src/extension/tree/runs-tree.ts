import * as vscode from 'vscode';
import type { TrainingStatus } from '../../engine/protocol';
import type { EngineHost } from '../engine-host';
import { isLive } from '../live-training';
import type { RunsModel } from '../runs-model';
import { checkpointItem, checkpointNodes, runItem, runNode, tooltipOf } from './nodes';
import type { RunNode, TreeNode } from './nodes';

export const TREE_ID = 'diffusion.checkpoints';
/** The line of a run that trains is drawn at most so often. */
const REDRAW_MS = 1000;

/** The tree of runs and their checkpoints. */
export class RunsTree implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  private nodes: readonly RunNode[] = [];
  private redraw: NodeJS.Timeout | null = null;
  private drawnState = '';
  private unfolded: string | null = null;
  private selected: readonly TreeNode[] = [];
  private readonly emitter = new vscode.EventEmitter<TreeNode | undefined>();
  private readonly disposables: vscode.Disposable[];
  readonly onDidChangeTreeData = this.emitter.event;
  readonly view: vscode.TreeView<TreeNode>;

  constructor(
    private readonly engine: EngineHost,
    private readonly runs: RunsModel,
  ) {
    this.view = vscode.window.createTreeView(TREE_ID, {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: true,
    });
    this.disposables = [
      this.view,
      this.emitter,
      this.view.onDidChangeSelection(({ selection }) => (this.selected = selection)),
      runs.onDidChange(() => this.listChanged()),
      engine.onDidChangeTraining((status) => this.trainingChanged(status)),
    ];
  }

  /** What is selected. (The view itself does not know while the list is being drawn anew.) */
  get selection(): readonly TreeNode[] {
    return this.selected;
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    if (node) return node.kind === 'run' ? checkpointNodes(node) : [];
    await this.runs.read();
    return [...this.nodes];
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return node.kind === 'run' ? undefined : this.nodes.find(({ path }) => path === node.run.path);
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    return node.kind === 'run'
      ? runItem(node, this.engine.training, placeOf(node.path))
      : checkpointItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
    item.tooltip = tooltipOf(node, this.engine.training);
    return item;
  }

  /** Nodes are made here alone, so that those that are drawn are those that are found later. */
  private listChanged(): void {
    this.nodes = this.runs.runs.map(runNode);
    this.view.message = this.messageAbove();
    this.emitter.fire(undefined);
    void this.unfoldTrained();
  }

  /** What there is to say above the list; an empty one has its welcome instead. */
  private messageAbove(): string | undefined {
    const { message, runs } = this.runs;
    if (runs.length === 0) {
      // Where the engine is down, the welcome says so.
      return message !== null && this.engine.health.state === 'up' ? message : undefined;
    }
    if (message !== null) return `The list may be old: ${message}`;
    return vscode.workspace.isTrusted
      ? undefined
      : 'Training is off, because this workspace is not trusted.';
  }

  /** The first checkpoint of a run that trains is shown, once. */
  private async unfoldTrained(): Promise<void> {
    const run = isLive(this.engine.training) ? this.engine.training.run : null;
    const summary = run === null ? undefined : this.runs.find(run);
    if (!summary || summary.checkpoints.length === 0 || this.unfolded === summary.path) return;
    if (!this.view.visible) return;
    this.unfolded = summary.path;
    const node = this.nodes.find(({ path }) => path === summary.path);
    if (node) await this.view.reveal(node, { expand: true, select: false });
  }

  private trainingChanged(status: TrainingStatus | null): void {
    const state = isLive(status) ? `${status.run} ${status.state}` : '';
    if (state !== this.drawnState) {
      this.drawnState = state;
      void this.runs.refresh();
    }
    if (this.redraw || !isLive(status)) return;
    this.redraw = setTimeout(() => {
      this.redraw = null;
      const run = this.engine.training?.run;
      const node = this.nodes.find(({ path }) => path === run);
      if (node) this.emitter.fire(node);
    }, REDRAW_MS);
  }

  dispose(): void {
    if (this.redraw) clearTimeout(this.redraw);
    this.disposables.forEach((each) => each.dispose());
  }
}

function placeOf(run: string): string | null {
  if ((vscode.workspace.workspaceFolders?.length ?? 0) < 2) return null;
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(run))?.name ?? null;
}
