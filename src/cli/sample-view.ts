import { terminalPicture } from '../core/base/terminal-picture';
import type { SamplingSettings } from '../core/sample/sampler';
import type { FrameEvent, SampledModel } from '../core/sample/sampling-job';
import { bar, duration, plural, shortPath } from './format';
import { LiveBlock } from './live-block';
import { solverLine } from './sample-solver';
import type { Terminal } from './terminal';
import type { ViewOptions } from './train-view';

/** Shows a sampling to a person, on stderr. */
export interface SampleView {
  start(
    model: SampledModel,
    settings: SamplingSettings,
    images: number,
    device: string,
    why: string,
  ): void;
  frame(event: FrameEvent): void;
  warn(message: string): void;
  stopping(): void;
  /** May be called more than once. */
  end(): void;
}

export function openSampleView(terminal: Terminal, { quiet, live }: ViewOptions): SampleView {
  if (quiet) return new QuietView(terminal);
  return live && terminal.live ? new LiveView(terminal) : new PlainView(terminal);
}

class QuietView implements SampleView {
  constructor(protected readonly terminal: Terminal) {}

  start(..._: Parameters<SampleView['start']>): void {
    // Quiet.
  }

  frame(_: FrameEvent): void {
    // Quiet.
  }

  warn(message: string): void {
    this.say(`${this.terminal.style.yellow('warning:')} ${message}`);
  }

  stopping(): void {
    // What was done is said at the end.
  }

  end(): void {
    // Nothing is held.
  }

  protected say(line: string): void {
    this.terminal.stream.write(`${line}\n`);
  }

  protected heading(...[model, settings, images, device, why]: Parameters<SampleView['start']>) {
    const { bold } = this.terminal.style;
    return [
      `${bold('Sampling')} ${plural(images, 'image')} from ${shortPath(model.pipeline.path)}`,
      `  ${solverLine(settings)}, seed ${settings.seed}, ` + `on ${bold(device)} (${why})`,
    ];
  }
}

const PLAIN_MS = 5000;

/** A line now and then. */
class PlainView extends QuietView {
  private nextAt = 0;
  private tenths = 0;

  override start(...about: Parameters<SampleView['start']>): void {
    this.heading(...about).forEach((line) => this.say(line));
    this.nextAt = performance.now() + PLAIN_MS;
  }

  override frame({ step, steps, t, progress }: FrameEvent): void {
    const tenths = Math.floor(progress * 10);
    if (performance.now() < this.nextAt && (tenths === this.tenths || tenths % 5 !== 0)) return;
    this.tenths = tenths;
    this.nextAt = performance.now() + PLAIN_MS;
    this.say(
      `${String(Math.floor(progress * 100)).padStart(3)} % · step ${step}/${steps} · t = ${Number(t.toFixed(1))}`,
    );
  }
}

/** Fifteen pictures a second. */
const REDRAW_MS = 1000 / 15;
const BAR_CELLS = 40;
/** Lines of the block beside the picture, and a free one. */
const OTHER_LINES = 4;

/** The images as they form, drawn anew in place. */
class LiveView extends QuietView {
  private readonly block: LiveBlock;
  private startedAt = 0;
  private drawnAt = -Infinity;
  private ended = false;
  private count = 0;
  private lines: readonly string[] = [];

  constructor(terminal: Terminal) {
    super(terminal);
    this.block = new LiveBlock(terminal);
    this.draw([terminal.style.dim('Reading the model …')]);
  }

  override start(...about: Parameters<SampleView['start']>): void {
    this.draw([]);
    this.block.print(...this.heading(...about), '');
    this.draw([this.terminal.style.dim('Compiling the model …')]);
    this.count = about[2];
  }

  override frame(event: FrameEvent): void {
    const now = performance.now();
    if (this.startedAt === 0) this.startedAt = now;
    if (now - this.drawnAt < REDRAW_MS && event.progress < 1) return;
    this.drawnAt = now;
    const { style } = this.terminal;
    const { columns } = this.terminal.size();
    const { step, steps, t, progress } = event;
    const cells = Math.max(8, Math.min(BAR_CELLS, columns - 40));
    const left = (((now - this.startedAt) / 1000) * (1 - progress)) / progress;
    this.draw([
      `${style.cyan(bar(progress, cells, style.dim))} step ${step}/${steps} · t = ${Number(t.toFixed(1))}` +
        (progress < 1 ? ` · ETA ${duration(left)}` : ''),
      '',
      ...this.picture(event),
    ]);
  }

  override stopping(): void {
    this.draw([...this.lines, this.terminal.style.dim('Stopping …')]);
  }

  override end(): void {
    if (this.ended) return;
    this.ended = true;
    if (this.startedAt === 0) this.draw([]);
    this.block.end();
  }

  protected override say(line: string): void {
    this.block.print(line);
  }

  private draw(lines: readonly string[]): void {
    this.lines = lines;
    this.block.draw(lines);
  }

  private picture({ first, xt }: FrameEvent): string[] {
    const { columns, rows } = this.terminal.size();
    const options = {
      columns: columns - 1,
      rows: rows - OTHER_LINES,
      colour: this.terminal.colour,
    };
    const lines = terminalPicture(xt.data, xt.shape, options);
    const batch = `images ${first + 1} … ${first + xt.shape[0]} of ${this.count}`;
    return xt.shape[0] < this.count ? [...lines, this.terminal.style.dim(batch)] : lines;
  }
}
