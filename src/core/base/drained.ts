/** Runs a generator to its end: what it yields is passed on, what it returns is the answer. */
export async function drained<Y, R>(
  generator: AsyncGenerator<Y, R>,
  onYield: (value: Y) => void = () => undefined,
): Promise<R> {
  for (;;) {
    const { value, done } = await generator.next();
    if (done) return value;
    onYield(value);
  }
}
