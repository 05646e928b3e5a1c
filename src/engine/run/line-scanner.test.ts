import { describe, expect, it } from 'vitest';
import { parseMetricsLine } from '../../core/checkpoint/metrics';
import { scanLines } from './line-scanner';

const bytes = (...lines: string[]) => new TextEncoder().encode(lines.map((l) => `${l}\n`).join(''));

/** Numbers as programs write them, from a small generator of its own. */
function numbers(count: number): string[] {
  let state = 12345;
  const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
  return Array.from({ length: count }, (_, i) => {
    const value = (random() - 0.5) * 10 ** Math.floor(random() * 60 - 30);
    const texts = [
      String(value),
      String(Math.fround(value)),
      value.toPrecision(1 + (i % 21)),
      value.toExponential(i % 18),
      value.toFixed(i % 20),
    ];
    return String(texts[i % texts.length]).replace('e+', i % 2 ? 'e' : 'E+');
  });
}

describe('scanLines', () => {
  it('reads the values that JSON.parse reads', () => {
    const hard = [
      '0',
      '-0',
      '0.1',
      '1e22',
      '1e23',
      '9007199254740993',
      '0.30000001192092896',
      '1.00000005960464477539', // half way between two float32s
      '5e-324',
      '1e400',
      '123456789012345678901234567890',
      '0.000000000000000000000000000000000000012345',
    ];
    const texts = [...hard, ...numbers(20_000)];
    const lines = texts.map((text, i) => `{"time":${text},"step":${i},"loss":${text}}`);
    const columns = scanLines(bytes(...lines), 0)!;
    expect(columns.step).toEqual(Float64Array.from(texts.keys()));
    expect(columns.time).toEqual(Float64Array.from(texts, (text) => JSON.parse(text) as number));
    expect(columns.loss).toEqual(Float32Array.from(texts, (text) => JSON.parse(text) as number));
    expect(columns.lr).toEqual(new Float32Array(texts.length).fill(NaN));
  });

  it('reads what has no value as none', () => {
    const line = (step: number, parts: string) =>
      `{"step":${step},"loss":null,"lossByTimestep":[${parts}]}`;
    const columns = scanLines(bytes(line(1, '0.5,null'), line(2, 'null,0.25')), 0)!;
    expect(columns.loss).toEqual(Float32Array.of(NaN, NaN));
    expect(columns.timestepParts).toBe(2);
    expect(columns.lossByTimestep).toEqual(Float32Array.of(0.5, NaN, NaN, 0.25));
    expect(scanLines(bytes('{"step":1,"loss":1}'), 3)!.lossByTimestep).toHaveLength(3);
  });

  const good = '{"step":7,"loss":1,"lossByTimestep":[1,2]}';
  it.each([
    ['', '{"step":1,"loss":1'],
    ['', 'horse'],
    ['', '{"step":1.5,"loss":1,"lossByTimestep":[1,2]}'],
    ['', '{"loss":1,"step":1,"lossByTimestep":[1,2]}'],
    ['', '{"step":1, "loss":1,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":1,"lossByTimestep":[1,2,3]}'],
    ['', '{"step":1,"loss":1,"lossByTimestep":[1]}'],
    ['', '{"step":1,"loss":"1","lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":01,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":1.,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":.5,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":1e,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":-,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":nul0,"lossByTimestep":[1,2]}'],
    ['', '{"step":1,"loss":1,"lossByTimestep":[1,2],"more":1}'],
    ['', '{"step":1,"loss":1,"lossByTimestep":[1,2]} '],
    [good, '{"step":7,"loss":1,"lossByTimestep":[1,2]}'],
    [good, '{"step":6,"loss":1,"lossByTimestep":[1,2]}'],
  ])('leaves another form to the plain reader: %s %s', (before, line) => {
    const first = before || '{"step":0,"loss":1,"lossByTimestep":[1,2]}';
    expect(scanLines(bytes(first), 0)).not.toBeNull();
    expect(parseMetricsLine(first)).not.toBeNull();
    expect(scanLines(bytes(first, line), 0)).toBeNull();
    expect(scanLines(bytes(line), 2)).toSatisfy(
      (columns: unknown) => columns === null || parseMetricsLine(line) !== null,
    );
  });
});
