/**
 * Maps items with up to `limit` calls of `map` under way, and yields the results in the items'
 * order. Takes a next item only when there is room, so that memory stays bounded.
 */
export async function* orderedParallel<T, R>(
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = map(item);
      // A rejection is seen when its turn comes; until then it must not count as unhandled.
      result.catch(() => undefined);
      pending.push(result);
      if (pending.length >= limit) yield await pending.shift()!;
    }
    while (pending.length > 0) yield await pending.shift()!;
  } finally {
    await Promise.allSettled(pending);
  }
}
