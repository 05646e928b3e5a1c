import { randomUUID } from 'node:crypto';
import type * as vscode from 'vscode';
import type { ClassForm, SampleForm, SampleRow } from '../../../webview/protocol';
import { EngineError } from '../../engine/client';
import type { Frame, SampleRequest } from '../../engine/protocol';
import type { Services } from '../services';

/** What a session tells of itself. */
export interface SessionEvents {
  /** A row is in another state. */
  readonly row: (row: SampleRow) => void;
  readonly frame: (frame: Frame) => void;
  /** A sampling failed by more than a wrong setting. */
  readonly failed: (error: unknown) => void;
}

/** Samplings one after the other: each row has the machine to itself, so that times compare. */
export class SamplingSession implements vscode.Disposable {
  private readonly all: SampleRow[];
  private readonly cancelled = new AbortController();
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly services: Services,
    forms: readonly SampleForm[],
    private readonly events: SessionEvents,
  ) {
    const id = randomUUID();
    this.all = forms.map((form, i) => ({
      job: `${id}-${i}`,
      form,
      state: 'waiting',
      message: null,
      frame: null,
      result: null,
    }));
    this.listener = services.engine.on('frame', (frame) => this.receive(frame));
  }

  get rows(): readonly SampleRow[] {
    return this.all;
  }

  /** Draws all rows; settles when the last has ended. Never throws. */
  async run(): Promise<void> {
    for (let i = 0; i < this.all.length; i++) {
      if (this.cancelled.signal.aborted) this.change(i, { state: 'stopped' });
      else await this.draw(i);
    }
    this.listener.dispose();
  }

  cancel(): void {
    this.cancelled.abort();
  }

  dispose(): void {
    this.cancel();
    this.listener.dispose();
  }

  private async draw(index: number): Promise<void> {
    const { job, form } = this.all[index]!;
    this.change(index, { state: 'running' });
    try {
      const request = requestFor(job, form, this.services.settings);
      const { signal } = this.cancelled;
      const result = await this.services.engine.request('sample', request, { signal });
      this.change(index, { state: 'done', result, frame: null });
    } catch (error) {
      if (this.cancelled.signal.aborted || isStop(error)) {
        return this.change(index, { state: 'stopped' });
      }
      const message = error instanceof Error ? error.message : String(error);
      this.change(index, { state: 'failed', message, frame: null });
      this.events.failed(error);
    }
  }

  private receive(frame: Frame): void {
    const index = this.all.findIndex(({ job }) => job === frame.job);
    if (index < 0 || this.all[index]!.state !== 'running') return;
    this.all[index] = { ...this.all[index]!, frame };
    this.events.frame(frame);
  }

  private change(index: number, changes: Partial<SampleRow>): void {
    this.all[index] = { ...this.all[index]!, ...changes };
    this.events.row(this.all[index]);
  }
}

function isStop(error: unknown): boolean {
  return error instanceof EngineError && error.failure.kind === 'stopped';
}

/** Of a grid, images row by row: a class a row, a scale a column. */
function classRequest({ names, guidance, rescale, grid }: ClassForm): Partial<SampleRequest> {
  const scaling = rescale > 0 ? { guidanceRescale: rescale } : {};
  if (!grid) return { ...(names && { classes: names }), guidance, ...scaling };
  const classes = grid.names.flatMap((name) => grid.scales.map(() => name));
  return { classes, guidance: grid.scales, sameNoise: true, ...scaling };
}

/** What the engine is asked for; settings that the solver has no use for are left out. */
function requestFor(
  job: string,
  form: SampleForm,
  { device, threads }: Services['settings'],
): SampleRequest {
  const { model, count, seed, solver, steps, eta, spacing, variance, own, classes } = form;
  return {
    job,
    model,
    count,
    seed,
    device,
    ...(threads !== undefined && { threads }),
    ...(steps !== null && { steps }),
    // Of a solver that is not known, neither is what it takes.
    ...(solver !== null && { solver, ...own }),
    ...(solver === 'ddim' && { eta }),
    ...(spacing !== null && { spacing }),
    ...(solver === 'ddpm' && variance !== null && { variance }),
    ...(classes && classRequest(classes)),
  };
}
