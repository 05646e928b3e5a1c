import type { Terminal } from './terminal';

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const TOKEN = /\x1b\[[\d;]*m|./gsu;

/** Whether a character takes two cells: East Asian wide forms and pictographs. */
function isWide(character: string): boolean {
  const code = character.codePointAt(0)!;
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0x1f300 && code <= 0x1faff)
  );
}

/** A line cut to a number of cells; its colours are kept, and end with it. */
export function clip(line: string, columns: number): { text: string; cells: number } {
  let text = '';
  let cells = 0;
  for (const [token] of line.matchAll(TOKEN)) {
    if (token.startsWith('\x1b')) {
      text += token;
      continue;
    }
    const width = isWide(token) ? 2 : 1;
    if (cells + width > columns) return { text: `${text}\x1b[0m`, cells };
    text += token;
    cells += width;
  }
  return { text, cells };
}

/** A line broken between words; what follows is indented by two more than its beginning. */
export function wrap(line: string, columns: number): string[] {
  const indent = ' '.repeat(line.search(/\S|$/) + 2);
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S) /)) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && clip(longer, columns).text !== longer) {
      lines.push(current);
      current = indent + word;
    } else {
      current = longer;
    }
  }
  return [...lines, current];
}

/** Lines at the end of a terminal that are drawn anew in place. */
export class LiveBlock {
  /** Cells of each line that stands on the terminal. */
  private drawn: number[] = [];
  private lines: readonly string[] = [];
  private readonly showCursor = () => this.terminal.stream.write(SHOW_CURSOR);
  private readonly redraw = () => this.draw(this.lines);

  constructor(private readonly terminal: Terminal) {
    terminal.stream.write(HIDE_CURSOR);
    terminal.stream.on('resize', this.redraw);
    process.on('exit', this.showCursor);
  }

  /** Replaces the block. */
  draw(lines: readonly string[]): void {
    const { columns, rows } = this.terminal.size();
    const clipped = lines.slice(0, rows - 1).map((line) => clip(line, columns - 1));
    const body = clipped.map(({ text }) => `${text}\x1b[K\n`).join('');
    this.terminal.stream.write(`${this.toTop(columns)}${body}\x1b[J`);
    this.drawn = clipped.map(({ cells }) => cells);
    this.lines = lines;
  }

  /** Writes lines that stay, above the block. */
  print(...lines: readonly string[]): void {
    const { columns } = this.terminal.size();
    const wrapped = lines.flatMap((line) => wrap(line, columns - 1));
    const body = wrapped.map((line) => `${line}\x1b[K\n`).join('');
    this.terminal.stream.write(`${this.toTop(columns)}${body}\x1b[J`);
    this.drawn = [];
    this.draw(this.lines);
  }

  /** Lets the block stand as it is, and goes on below it. */
  end(): void {
    this.terminal.stream.off('resize', this.redraw);
    process.off('exit', this.showCursor);
    this.showCursor();
  }

  /** To the block's first line; a terminal made narrower has broken its lines in several. */
  private toTop(columns: number): string {
    const height = this.drawn.reduce(
      (sum, cells) => sum + Math.max(1, Math.ceil(cells / columns)),
      0,
    );
    return height > 0 ? `\x1b[${height}A\r` : '\r';
  }
}
