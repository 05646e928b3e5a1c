/** Numbers as people read them in the status bar, the tree and messages. */

export {
  bytesText as formatBytes,
  count as formatCount,
  duration as formatDuration,
} from '../core/base/number-text';

/** "0.0423", three significant digits; a dash where there is none. */
export function formatLoss(loss: number | null): string {
  if (loss === null || !Number.isFinite(loss)) return '–';
  return loss !== 0 && Math.abs(loss) < 1e-4 ? loss.toExponential(2) : loss.toPrecision(3);
}

/** "6.8 it/s", or "2.5 s/it" where a step takes longer than a second. */
export function formatSpeed(stepsPerSecond: number): string {
  if (stepsPerSecond >= 1) return `${stepsPerSecond.toFixed(stepsPerSecond < 10 ? 1 : 0)} it/s`;
  return `${(1 / stepsPerSecond).toFixed(1)} s/it`;
}

/** Text that Markdown shows as it is. */
export function plain(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$]/g, '\\$&').replace(/\s*\n\s*/g, ' ');
}
