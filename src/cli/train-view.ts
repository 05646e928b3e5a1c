import { terminalPicture } from '../core/base/terminal-picture';
import type { ImageBatch } from '../core/base/picture';
import type { MetricsLine } from '../core/checkpoint/metrics';
import type { StartedEvent, StepEvent, TrainEvent } from '../core/train/events';
import type { EvaluationLine } from '../core/checkpoint/evaluation-line';
import { bar, count, duration, figure, plural, shortPath, sparkline } from './format';
import { LiveBlock } from './live-block';
import { LossCurve } from './loss-curve';
import type { Terminal } from './terminal';
import { evaluatingText, evaluationLineText, frechetText, planText } from './train-evaluation-text';

/** Shows a training run to a person, on stderr. */
export interface TrainView {
  show(event: TrainEvent): void;
  /** The run was interrupted, and is being brought to an end. */
  stopping(): void;
  /** May be called more than once. */
  end(): void;
}

export interface ViewOptions {
  /** Warnings only. */
  readonly quiet: boolean;
  /** Whether the terminal is free for drawing in place. */
  readonly live: boolean;
}

export function openTrainView(terminal: Terminal, { quiet, live }: ViewOptions): TrainView {
  if (quiet) return new QuietView(terminal);
  return live && terminal.live ? new LiveView(terminal) : new PlainView(terminal);
}

const STOPPING = 'Stopping with a checkpoint; Ctrl-C again ends at once.';

/** File names of skipped files that are told. */
const TOLD_FILES = 3;

/** What is trained, where and why there. */
function heading(event: StartedEvent, { style }: Terminal): string[] {
  const { source, config, parameters, steps, step } = event;
  const colours = source.channels === 1 ? 'grey' : 'colour';
  const { batchSize, accumulate } = config.training;
  const { kind, timesteps, prediction } = config.schedule;
  const batch = accumulate === 1 ? `${batchSize}` : `${accumulate} × ${batchSize}`;
  const model = config.model.type === 'unet' ? 'U-Net' : 'tutorial CNN';
  return [
    `${style.bold('Training')} on ${source.description}, ${source.imageSize}×${source.imageSize} ${colours}`,
    `  ${model} of ${count(parameters)} parameters, batch ${batch}`,
    `  ${kind} schedule, T = ${timesteps}, predicts ${prediction}`,
    `  on ${style.bold(event.device)} (${event.deviceReason})`,
    `  into ${shortPath(event.run)}` +
      (step > 0 ? `, going on after step ${count(step)} of ${count(steps)}` : ''),
    ...skippedFiles(event, style.yellow),
  ];
}

function skippedFiles({ source }: StartedEvent, paint: (text: string) => string): string[] {
  const { skipped } = source;
  if (skipped.length === 0) return [];
  const shown = skipped.slice(0, TOLD_FILES).map(({ path, reason }) => `    ${path}: ${reason}`);
  const rest = skipped.length - shown.length;
  return [
    `  ${paint(`${plural(skipped.length, 'file')} left out`)}`,
    ...shown,
    ...(rest > 0 ? [`    and ${plural(rest, 'more file')}`] : []),
  ];
}

function speed(event: StepEvent, imagesPerStep: number): string {
  return (
    `${figure(event.imagesPerSecond / imagesPerStep)} steps/s · ` +
    `${figure(event.imagesPerSecond)} images/s`
  );
}

function imagesPerStep({ config }: StartedEvent): number {
  return config.training.batchSize * config.training.accumulate;
}

class QuietView implements TrainView {
  constructor(protected readonly terminal: Terminal) {}

  show(event: TrainEvent): void {
    if (event.type === 'warning') this.say(this.warning(event.message));
  }

  stopping(): void {
    this.say(STOPPING);
  }

  end(): void {
    // Nothing is held.
  }

  protected warning(message: string): string {
    return `${this.terminal.style.yellow('warning:')} ${message}`;
  }

  protected say(...lines: readonly string[]): void {
    this.terminal.stream.write(lines.map((line) => `${line}\n`).join(''));
  }
}

/** The newest held-out loss of a run, as a part of its progress; empty while there is none. */
class HeldOut {
  private loss: number | null = null;

  add({ heldOutLoss }: MetricsLine): void {
    this.loss = heldOutLoss ?? this.loss;
  }

  get text(): string {
    return this.loss === null ? '' : ` · held out ${figure(this.loss)}`;
  }
}

/** Shortest time between two lines of progress; it grows with the run. */
const PLAIN_SECONDS = 5;

/** A line now and then. */
class PlainView extends QuietView {
  private started: StartedEvent | null = null;
  private readonly curve = new LossCurve();
  private readonly heldOut = new HeldOut();
  private nextAt = this.now() + PLAIN_SECONDS;
  private tenths = 0;
  private isEvaluating = false;

  override show(event: TrainEvent): void {
    super.show(event);
    if (event.type === 'started') {
      this.started = event;
      this.tenths = Math.floor((event.step / event.steps) * 10);
      this.nextAt = this.now() + PLAIN_SECONDS;
      this.say(...heading(event, this.terminal));
    }
    if (event.type === 'preparing') this.prepare(event.what, event.done, event.total);
    if (event.type === 'step') this.step(event);
    if (event.type === 'metrics') this.heldOut.add(event.line);
    if (event.type === 'preview') this.say(`preview ${shortPath(event.path)}`);
    if (event.type === 'checkpoint') this.say(`checkpoint ${shortPath(event.path)}`);
    if (event.type === 'evaluationPlan' && event.every > 0) this.say(planText(event));
    if (event.type === 'evaluating') this.evaluating(event.step);
    if (event.type === 'evaluation') this.evaluated(event.line);
  }

  private now(): number {
    return performance.now() / 1000;
  }

  private evaluating(step: number): void {
    if (!this.isEvaluating) this.say(`evaluating step ${count(step)} …`);
    this.isEvaluating = true;
  }

  private evaluated(line: EvaluationLine | null): void {
    this.isEvaluating = false;
    if (line) this.say(evaluationLineText(line));
  }

  private prepare(what: string, done: number, total: number): void {
    if (this.now() < this.nextAt) return;
    this.nextAt = this.now() + PLAIN_SECONDS;
    this.say(`${what}: ${count(done)}${total > 0 ? ` of ${count(total)}` : ''}`);
  }

  private step(event: StepEvent): void {
    this.curve.add(event.loss);
    const { step, steps } = event;
    const tenths = Math.floor((step / steps) * 10);
    if (tenths === this.tenths && this.now() < this.nextAt) return;
    this.tenths = tenths;
    this.nextAt = this.now() + Math.max(PLAIN_SECONDS, event.seconds / 20);
    const share = `${Math.floor((step / steps) * 100)} %`.padStart(5);
    const number = count(step).padStart(count(steps).length);
    this.say(
      `step ${number}/${count(steps)} ${share} · loss ${figure(this.curve.smoothed)}${this.heldOut.text} · ` +
        `${speed(event, imagesPerStep(this.started!))} · ETA ${duration(event.etaSeconds)}`,
    );
  }
}

const REDRAW_MS = 100;
const BAR_CELLS = 40;
/** Lines of the block beside the picture, and a free one. */
const OTHER_LINES = 7;

/** A block that is drawn anew in place: bar, loss, speed, the latest preview. */
class LiveView extends QuietView {
  private readonly block: LiveBlock;
  private readonly curve = new LossCurve();
  private readonly heldOut = new HeldOut();
  private started: StartedEvent | null = null;
  private latest: StepEvent | null = null;
  private preview: { readonly step: number; readonly images: ImageBatch } | null = null;
  private evaluation: EvaluationLine | null = null;
  private note = '';
  private drawnAt = -Infinity;
  private ended = false;

  constructor(terminal: Terminal) {
    super(terminal);
    this.block = new LiveBlock(terminal);
    this.block.draw([terminal.style.dim('Opening the data set and the device …')]);
  }

  override show(event: TrainEvent): void {
    super.show(event);
    switch (event.type) {
      case 'preparing':
        return this.drawSometimes(() => this.preparing(event.what, event.done, event.total));
      case 'started':
        this.started = event;
        this.note = 'Compiling the training step …';
        this.block.draw([]);
        this.block.print(...heading(event, this.terminal), '');
        return this.block.draw(this.lines());
      case 'step':
        this.latest = event;
        this.curve.add(event.loss);
        if (this.note !== STOPPING) this.note = '';
        return this.drawSometimes(() => this.lines());
      case 'preview':
        this.preview = event;
        return this.block.draw(this.lines());
      case 'done':
        this.note = '';
        return this.block.draw(this.lines());
      case 'metrics':
        return this.heldOut.add(event.line);
      case 'evaluationPlan':
        if (event.every > 0) this.block.print(planText(event), '');
        return this.block.draw(this.lines());
      case 'evaluating':
        if (this.note !== STOPPING) this.note = evaluatingText(event);
        return this.drawSometimes(() => this.lines());
      case 'evaluation':
        this.evaluation = event.line ?? this.evaluation;
        if (this.note !== STOPPING) this.note = '';
        return this.block.draw(this.lines());
      case 'checkpoint':
      case 'warning':
      case 'paused':
      case 'unpaused':
        return;
      default:
        return event satisfies never;
    }
  }

  override stopping(): void {
    this.note = STOPPING;
    this.block.draw(this.started ? this.lines() : [this.note]);
  }

  override end(): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.started) this.block.draw([]);
    this.block.end();
  }

  protected override say(...lines: readonly string[]): void {
    this.block.print(...lines);
  }

  private drawSometimes(lines: () => string[]): void {
    if (performance.now() - this.drawnAt < REDRAW_MS) return;
    this.block.draw(lines());
    this.drawnAt = performance.now();
  }

  private preparing(what: string, done: number, total: number): string[] {
    const { dim } = this.terminal.style;
    if (total === 0) return [`${what}: ${count(done)}`];
    return [`${bar(done / total, this.barCells(), dim)}  ${what}: ${count(done)}/${count(total)}`];
  }

  private barCells(): number {
    return Math.max(8, Math.min(BAR_CELLS, this.terminal.size().columns - 40));
  }

  private lines(): string[] {
    const { style } = this.terminal;
    const { steps, step: before } = this.started!;
    const step = this.latest?.step ?? before;
    const cells = this.barCells();
    const progress =
      `${style.cyan(bar(step / steps, cells, style.dim))} ` +
      `${Math.floor((step / steps) * 100)} % · step ${count(step)}/${count(steps)}`;
    const note = this.note ? [style.dim(this.note)] : [];
    if (!this.latest) return [progress, ...note];
    const { epoch, etaSeconds } = this.latest;
    return [
      progress + (step < steps ? ` · ETA ${duration(etaSeconds)}` : ''),
      `${style.green(sparkline(this.curve.resampled(cells)).padEnd(cells))} ` +
        `loss ${style.bold(figure(this.curve.smoothed))}${this.heldOut.text}`,
      style.dim(`${speed(this.latest, imagesPerStep(this.started!))} · epoch ${figure(epoch)}`),
      ...(this.evaluation
        ? [`${frechetText(this.evaluation)} at step ${count(this.evaluation.step)}`]
        : []),
      ...this.picture(),
      ...note,
    ];
  }

  private picture(): string[] {
    if (!this.preview) return [];
    const { columns, rows } = this.terminal.size();
    const { data, shape } = this.preview.images;
    const options = {
      columns: columns - 1,
      rows: rows - OTHER_LINES,
      colour: this.terminal.colour,
    };
    return ['', ...terminalPicture(data, shape, options)];
  }
}
