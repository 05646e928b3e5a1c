import type { EvaluationProgress, EvaluationStage } from '../core/evaluate/evaluation';
import { EVALUATION_STAGES } from '../core/evaluate/evaluation';
import { bar, duration } from './format';
import { LiveBlock } from './live-block';
import type { Terminal } from './terminal';

const REDRAW_MS = 1000 / 15;
const BAR_CELLS = 40;
/** A stage's first moments say nothing of its length. */
const LEAST_SECONDS = 1;

/** Shows an evaluation's progress on stderr: a bar in a terminal, elsewhere a line a stage. */
export class EvaluateView {
  private readonly block: LiveBlock | null;
  private stage: EvaluationStage | null = null;
  private stageAt = 0;
  private drawnAt = -Infinity;

  constructor(
    private readonly terminal: Terminal,
    private readonly isQuiet: boolean,
  ) {
    this.block = terminal.live && !isQuiet ? new LiveBlock(terminal) : null;
  }

  progress({ stage, share }: EvaluationProgress): void {
    if (this.isQuiet) return;
    const now = performance.now();
    if (stage !== this.stage) {
      this.stage = stage;
      this.stageAt = now;
      this.drawnAt = -Infinity;
      if (!this.block) this.say(`${EVALUATION_STAGES[stage]} …`);
    }
    if (now - this.drawnAt < REDRAW_MS) return;
    this.drawnAt = now;
    this.block?.draw([this.line(stage, share, (now - this.stageAt) / 1000)]);
  }

  warn(message: string): void {
    this.say(`${this.terminal.style.yellow('warning:')} ${message}`);
  }

  stopping(): void {
    if (!this.isQuiet) this.say('Stopping …');
  }

  end(): void {
    this.block?.draw([]);
    this.block?.end();
  }

  private line(stage: EvaluationStage, share: number, seconds: number): string {
    const { style } = this.terminal;
    const cells = Math.max(8, Math.min(BAR_CELLS, this.terminal.size().columns - 45));
    const left = (seconds * (1 - share)) / share;
    const eta = share > 0 && share < 1 && seconds > LEAST_SECONDS ? ` · ETA ${duration(left)}` : '';
    const number = Object.keys(EVALUATION_STAGES).indexOf(stage) + 1;
    const of = Object.keys(EVALUATION_STAGES).length;
    return `${style.cyan(bar(share, cells, style.dim))} ${number}/${of} ${EVALUATION_STAGES[stage]}${eta}`;
  }

  private say(line: string): void {
    if (this.block) this.block.print(line);
    else this.terminal.stream.write(`${line}\n`);
  }
}
