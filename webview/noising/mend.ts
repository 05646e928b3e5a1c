import { terminalCheck } from '../../src/core/diffusion/terminal-check';
import { makeSchedule } from '../../src/core/diffusion/schedule';
import type { NoiseSettings } from '../../src/engine/protocol';

/** A way to a schedule that ends in noise. */
export interface Mend {
  readonly label: string;
  readonly settings: NoiseSettings;
}

/** Ways out for a schedule that keeps too much of the image: each ends in a verdict of `fine`. */
export function mendsOf(settings: NoiseSettings): Mend[] {
  const ways: Mend[] = [
    { label: 'Use the cosine schedule', settings: { ...settings, kind: 'cosine' } },
    {
      label: 'Rescale to zero terminal SNR',
      settings: { ...settings, zeroTerminalSnr: true },
    },
  ];
  const betaEnd = suggestedBetaEnd(settings);
  if (betaEnd !== null) {
    ways.push({ label: `Raise the last β to ${betaEnd}`, settings: { ...settings, betaEnd } });
  }
  return ways.filter((way) => terminalCheck(makeSchedule(way.settings)).verdict === 'fine');
}

/** The last β that the core's verdict names. */
function suggestedBetaEnd(settings: NoiseSettings): number | null {
  const { mend } = terminalCheck(makeSchedule(settings));
  const named = mend && /--beta-end\) to ([\d.]+\d)/.exec(mend);
  return named ? Number(named[1]) : null;
}
