import { WriteStream } from 'node:tty';
import type { TerminalColour } from '../core/base/terminal-picture';

type Paint = (text: string) => string;

/** Paints text; leaves it as it is where there is no colour. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** What can be shown on a stream. */
export interface Terminal {
  readonly stream: NodeJS.WriteStream;
  /** Whether lines can be drawn anew in place. */
  readonly live: boolean;
  /** How pictures are drawn. */
  readonly colour: TerminalColour;
  readonly style: Style;
  /** Cells in a line, and lines, now. */
  size(): { readonly columns: number; readonly rows: number };
}

const COLOUR_OF_DEPTH: Readonly<Record<number, TerminalColour>> = { 8: '256', 24: 'truecolor' };

/** Bits of colour that the environment asks for: NO_COLOR, FORCE_COLOR, TERM, COLORTERM. */
function colourDepth(isTerminal: boolean): number {
  const { NO_COLOR, FORCE_COLOR, ...others } = process.env;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') {
    return WriteStream.prototype.getColorDepth({ ...others, FORCE_COLOR });
  }
  if (NO_COLOR || !isTerminal) return 1;
  return WriteStream.prototype.getColorDepth(others);
}

function makeStyle(hasColour: boolean): Style {
  const paint =
    (open: number, close: number): Paint =>
    (text) =>
      hasColour ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

/** Looks at a stream, and at what the environment says of colours. */
export function openTerminal(stream: NodeJS.WriteStream): Terminal {
  const isTerminal = Boolean(stream.isTTY);
  const depth = colourDepth(isTerminal);
  return {
    stream,
    live: isTerminal && process.env.TERM !== 'dumb',
    colour: COLOUR_OF_DEPTH[depth] ?? 'none',
    style: makeStyle(depth > 1),
    size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
  };
}
