import { casesOf, type BenchCase } from '../cases';
import { optionsFrom, wholeNumber } from '../program';

export interface PlacementOptions {
  readonly cases: readonly BenchCase[];
  /** Of the graph that is run. */
  readonly images: number;
  readonly json: string | null;
}

/** @throws UserError naming the option that is wrong */
export function parseOptions(args: readonly string[]): PlacementOptions {
  const values = optionsFrom(args, {
    only: { type: 'string', multiple: true, default: [] as string[] },
    images: { type: 'string', default: '2' },
    json: { type: 'string' },
  });
  return {
    cases: casesOf(values.only),
    images: wholeNumber('images', values.images),
    json: values.json ?? null,
  };
}
