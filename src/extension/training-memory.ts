import type * as vscode from 'vscode';
import type { TrainingStatus } from '../engine/protocol';

/** A training of this workspace whose end no window has seen. */
export interface RememberedTraining {
  readonly run: string;
  readonly name: string;
}

const KEY = 'diffusion.training';

/** What this workspace is training, for the window that is opened after this one. */
export class TrainingMemory {
  constructor(private readonly state: vscode.Memento) {}

  get remembered(): RememberedTraining | null {
    return this.state.get<RememberedTraining>(KEY) ?? null;
  }

  remember({ run, name }: Pick<TrainingStatus, 'run' | 'name'>): void {
    if (run === null || this.remembered?.run === run) return;
    void this.state.update(KEY, { run, name } satisfies RememberedTraining);
  }

  forget(): void {
    if (this.remembered) void this.state.update(KEY, undefined);
  }
}
