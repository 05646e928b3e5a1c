/** Signals this close to the first are the same press of Ctrl-C: npm passes it on once more. */
const SAME_PRESS_MS = 500;
/** Ctrl-C, a request to end, and a terminal that is closed. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interrupts {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Lets the signals end the process at once again. */
  dispose(): void;
}

/**
 * Turns the first SIGINT, SIGTERM or SIGHUP into an aborted signal; the next one ends the process.
 *
 * @param onFirst told of the first one
 */
export function catchInterrupts(onFirst: () => void): Interrupts {
  const controller = new AbortController();
  let pressedAt = 0;
  const onSignal = () => {
    if (!controller.signal.aborted) {
      pressedAt = performance.now();
      onFirst();
      controller.abort();
    } else if (performance.now() - pressedAt > SAME_PRESS_MS) {
      process.exit(130);
    }
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => SIGNALS.forEach((name) => process.off(name, onSignal)),
  };
}
