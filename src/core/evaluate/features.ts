/** Images as points of a feature space: a row an image, `[count, width]`, row-major. */
export interface Features {
  readonly data: Float32Array;
  readonly count: number;
  readonly width: number;
}

/** Row i, without a copy. */
export function rowOf({ data, width }: Features, i: number): Float32Array {
  return data.subarray(i * width, (i + 1) * width);
}

/** Rows `from` … `to − 1`, without a copy. */
export function rowsOf({ data, width }: Features, from: number, to: number): Features {
  return { data: data.subarray(from * width, to * width), count: to - from, width };
}

/** All rows but `from` … `to − 1`. */
export function rowsWithout(features: Features, from: number, to: number): Features {
  const { data, count, width } = features;
  const kept = new Float32Array((count - (to - from)) * width);
  kept.set(data.subarray(0, from * width));
  kept.set(data.subarray(to * width), from * width);
  return { data: kept, count: count - (to - from), width };
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

/** The root mean square of all entries. */
export function rmsOf({ data }: Features): number {
  return Math.sqrt(dot(data, data) / data.length);
}

export function divided({ data, count, width }: Features, by: number): Features {
  return { data: data.map((x) => x / by), count, width };
}
