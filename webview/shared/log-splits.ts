/** Lines that a narrow scale has at least. */
const FEWEST = 2;
const STEPS = [1, 2, 5, 10];

/**
 * Where a logarithmic axis has lines: at 1, 2 … 9 times the powers of ten; where fewer than two of them
 * lie in it, at even distances. (uPlot's own never ends for a scale that begins just below 0.1.)
 *
 * @param min above 0
 */
export function logSplits(min: number, max: number): number[] {
  const splits: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    for (let digit = 1; digit < 10; digit++) {
      const value = Number(`${digit}e${power}`);
      if (value >= min && value <= max) splits.push(value);
    }
  }
  return splits.length < FEWEST ? evenSplits(min, max) : splits;
}

function evenSplits(min: number, max: number): number[] {
  const rough = (max - min) / 5;
  if (!(rough > 0)) return [];
  const power = Math.floor(Math.log10(rough));
  const step = STEPS.map((each) => each * 10 ** power).find((each) => each >= rough)!;
  const splits: number[] = [];
  for (let number = Math.ceil(min / step); number * step <= max; number++) {
    splits.push(Number((number * step).toPrecision(12)));
  }
  return splits;
}
