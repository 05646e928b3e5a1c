/** A point of a pen stroke; `corner` where the pen turns sharply. */
export interface StrokePoint {
  readonly x: number;
  readonly y: number;
  readonly corner: boolean;
}
/** A smooth curve through its points. */
export type Stroke = readonly StrokePoint[];
/** One way to write a digit: its strokes, in the order of the pen. */
export type Glyph = readonly Stroke[];

/**
 * How people write the ten digits, one line a pen stroke: `x,y` in hundredths of the digit's height,
 * x to the right and y downwards, with `!` behind a point where the pen turns sharply. A digit is as
 * wide as it is commonly written.
 */
const WRITTEN: readonly (readonly (readonly string[])[])[] = [
  [
    ['38,1 16,12 4,42 8,77 28,99 50,88 61,56 56,20 38,1 26,3'],
    ['46,10 30,0 10,16 2,50 10,84 32,100 54,86 64,50 56,14 36,3'],
  ],
  [
    ['10,0 10,50 10,100'],
    ['13,0 9,50 10,100'],
    ['0,24 10,14 20,0! 20,50 19,100'],
    ['0,22 12,12 22,0! 22,50 22,98', '2,99 22,98 44,98'],
  ],
  [
    ['4,24 13,7 32,0 52,8 56,29 42,55 22,77 1,98! 30,97 63,98'],
    ['6,20 18,4 38,1 54,13 53,36 38,64 20,88 6,98 0,89 9,79 26,84 46,97 68,93'],
    ['2,10 24,0 48,6 55,26 42,52 22,76 2,95! 22,90 42,97 64,95'],
  ],
  [
    ['4,13 24,0 47,7 50,27 38,41 19,46! 42,51 57,68 50,90 26,100 0,90'],
    ['2,3 26,2 52,2! 38,22 22,40! 44,46 57,66 48,89 25,100 0,92'],
    ['5,10 27,0 49,11 44,33 27,45 19,50 26,53 35,47 52,55 56,77 39,97 15,99 0,87'],
  ],
  [
    ['10,2 4,28 3,54! 28,55 58,50', '52,0 50,50 47,100'],
    ['44,0 24,32 0,65! 34,65 68,63', '46,2 46,50 45,100'],
    ['8,4 1,30 8,50 32,50 54,30 60,4! 55,50 50,100'],
  ],
  [
    ['56,1 36,3 14,3! 12,22 7,43! 30,36 52,47 58,69 46,91 24,100 0,92'],
    ['14,6 11,24 10,42! 32,38 52,50 55,73 40,94 18,100 0,90', '13,4 36,3 60,0'],
    ['60,2 38,1 18,8 12,26 22,40 44,50 55,69 45,91 22,100 0,91'],
  ],
  [
    ['50,0 28,14 10,40 3,68 12,92 32,100 52,88 54,67 36,54 16,62 6,80'],
    ['26,0 12,30 4,62 9,90 30,100 50,86 48,63 28,56 8,72'],
  ],
  [
    ['0,5 28,5 58,2! 42,36 30,68 24,100'],
    ['0,6 28,5 60,2! 44,36 32,68 22,100', '12,54 34,50 58,49'],
    ['0,20 2,5! 28,7 56,3! 48,34 40,66 36,100'],
  ],
  [
    ['50,13 32,0 12,8 11,28 30,46 50,63 54,84 34,100 10,92 6,72 22,53 42,36 52,20 47,9'],
    ['30,46 11,36 10,13 29,0 49,12 48,35 30,46 7,60 5,85 29,100 55,86 54,61 30,46'],
  ],
  [
    ['52,14 34,0 12,7 2,28 12,47 33,46 48,30 53,10! 51,50 46,100'],
    ['52,17 36,1 14,6 3,27 13,47 35,46 50,30 54,13! 55,48 49,80 30,100 6,95'],
    ['46,6 26,0 6,13 6,37 25,47 45,35 49,10! 43,45 34,75 20,100'],
  ],
];

function parseStroke(text: string): Stroke {
  return text.split(' ').map((word) => {
    const [x, y] = word.replace('!', '').split(',').map(Number);
    return { x: x! / 100, y: y! / 100, corner: word.endsWith('!') };
  });
}

/** The ways to write each digit: `DIGIT_GLYPHS[7]` are the sevens. */
export const DIGIT_GLYPHS: readonly (readonly Glyph[])[] = WRITTEN.map((glyphs) =>
  glyphs.map((strokes) => strokes.map(parseStroke)),
);
