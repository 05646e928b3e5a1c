/** What a generator yields, each by a map; it ends where whoever reads this goes away. */
export async function* mapped<A, B, R>(
  work: AsyncGenerator<A, R, undefined>,
  map: (value: A) => B,
): AsyncGenerator<B, R, undefined> {
  let next = await work.next();
  try {
    for (; !next.done; next = await work.next()) yield map(next.value);
    return next.value;
  } finally {
    if (!next.done) await work.return(undefined as R);
  }
}
