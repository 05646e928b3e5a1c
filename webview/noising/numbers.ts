import type { NoiseStage } from '../../src/engine/protocol';

/** A number of four decimals with a real minus sign. */
export function fixed(value: number, decimals = 4): string {
  const text = value.toFixed(decimals);
  const zero = Number(text) === 0;
  return zero ? text.replace('-', '') : text.replace('-', '−');
}

/** Decibels to one decimal; −∞ where nothing of the image is left. */
export function decibels(value: number): string {
  return Number.isFinite(value) ? `${fixed(value, 1)} dB` : '−∞ dB';
}

/** "x₅₀ = 0.8787·x₀ + 0.4774·ε", for a screen reader and as text. */
export function formulaText({ t, sqrtAlphaBar, sqrtOneMinusAlphaBar }: NoiseStage): string {
  return `x_${t} = ${fixed(sqrtAlphaBar)} · x_0 + ${fixed(sqrtOneMinusAlphaBar)} · ε`;
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
