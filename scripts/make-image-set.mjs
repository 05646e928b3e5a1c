// Writes a folder of small colourful PNG images, for measuring large data sets:
//   node scripts/make-image-set.mjs <folder> [--count 100000] [--size 64] [--classes 10] [--seed 1]
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';

const OPTIONS = {
  count: { type: 'string', default: '1000' },
  size: { type: 'string', default: '64' },
  classes: { type: 'string', default: '10' },
  seed: { type: 'string', default: '1' },
};
const { values, positionals } = readArguments();
const [folder] = positionals;
const [count, size, classes, seed] = ['count', 'size', 'classes', 'seed'].map((name) =>
  wholeNumber(name, values[name]),
);

function refuse(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    return refuse(error.message.replaceAll('\n', ' '));
  }
}

function wholeNumber(name, text) {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  return refuse(`--${name} ${text} is not a whole number from 1`);
}

/** Numbers in [0, 1) that depend on the seed and the image alone (a 32-bit mixing counter). */
function drawsOf(image) {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(image + 1, 0x85ebca6b);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4294967296;
  };
}

/** A shape as a test of a point, x and y in [0, 1): a disc, a ring, a box or a band. */
function shapeOf(draw) {
  const [x, y, radius] = [draw(), draw(), 0.08 + 0.25 * draw()];
  const [cos, sin] = [Math.cos(7 * x), Math.sin(7 * x)];
  return [
    (u, v) => Math.hypot(u - x, v - y) < radius,
    (u, v) => Math.abs(Math.hypot(u - x, v - y) - radius) < radius / 4,
    (u, v) => Math.max(Math.abs(u - x), Math.abs(v - y)) < radius,
    (u, v) => Math.abs((u - x) * cos + (v - y) * sin) < radius / 4,
  ][Math.floor(4 * draw())];
}

/** Rows of a filter byte (0) and RGB pixels. */
function paint(image) {
  const draw = drawsOf(image);
  const colour = () => [256 * draw(), 256 * draw(), 256 * draw()];
  const [top, bottom] = [colour(), colour()];
  const shapes = Array.from({ length: 3 }, () => ({ holds: shapeOf(draw), fill: colour() }));
  const rows = Buffer.alloc(size * (1 + 3 * size));
  for (let y = 0, at = 0; y < size; y++) {
    const v = y / size;
    at++;
    for (let x = 0; x < size; x++) {
      const shape = shapes.find(({ holds }) => holds(x / size, v));
      for (let c = 0; c < 3; c++) {
        rows[at++] = shape ? shape.fill[c] : top[c] + (bottom[c] - top[c]) * v;
      }
    }
  }
  return rows;
}

function chunk(type, data) {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), 8 + data.length);
  return bytes;
}

function png(rows) {
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

if (folder === undefined) {
  refuse('name the folder to write: node scripts/make-image-set.mjs <folder>');
}
for (let label = 0; label < classes; label++) {
  mkdirSync(path.join(folder, `class-${label}`), { recursive: true });
}
for (let image = 0; image < count; image++) {
  const name = `${String(image).padStart(6, '0')}.png`;
  writeFileSync(path.join(folder, `class-${image % classes}`, name), png(paint(image)));
  if ((image + 1) % 10_000 === 0) console.error(`${image + 1} of ${count}`);
}
