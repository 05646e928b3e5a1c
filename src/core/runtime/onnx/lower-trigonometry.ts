import type { LoweringContext } from './lowering';

/**
 * Sine and cosine for GPUs, whose own are only good to 2⁻¹¹ (WGSL specification, 15.7.4.1): too coarse
 * for the embedding of timesteps. The angle is brought into [−π, π] with 2π in three parts (Cody and
 * Waite, 1980), of which all but the last are short enough for exact products, and goes into Taylor's
 * series, which at π is then good to float32.
 */

const TURN_PARTS = [6.28125, 0.001935482025146484375, -1.7484556000744972e-7];
const TERMS = 10;

function scalar(c: LoweringContext, value: number): string {
  return c.filled(value, []);
}

function withinHalfTurn(c: LoweringContext, x: string): string {
  const turns = c.emit('Mul', [x, scalar(c, 1 / (2 * Math.PI))]);
  const whole = c.emit('Floor', [c.emit('Add', [turns, scalar(c, 0.5)])]);
  return TURN_PARTS.reduce(
    (rest, part) => c.emit('Sub', [rest, c.emit('Mul', [whole, scalar(c, part)])]),
    x,
  );
}

/** Σ (−1)ⁱ·r²ⁱ / (2i + odd)!, by Horner's rule. */
function alternatingSeries(c: LoweringContext, r: string, odd: 0 | 1): string {
  const square = c.emit('Mul', [r, r]);
  let sum = scalar(c, 1);
  for (let i = TERMS - 1; i >= 1; i--) {
    const factor = -1 / ((2 * i + odd) * (2 * i + odd - 1));
    const next = c.emit('Mul', [c.emit('Mul', [square, scalar(c, factor)]), sum]);
    sum = c.emit('Add', [next, scalar(c, 1)]);
  }
  return sum;
}

export function preciseSin(c: LoweringContext, x: string): string {
  const r = withinHalfTurn(c, x);
  return c.emit('Mul', [r, alternatingSeries(c, r, 1)]);
}

export function preciseCos(c: LoweringContext, x: string): string {
  return alternatingSeries(c, withinHalfTurn(c, x), 0);
}
