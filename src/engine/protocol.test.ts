import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { PROTOCOL_VERSION } from './protocol';

/** What each version's text comes to; an engine of any of them may be found by a newer window. */
const TEXTS: Readonly<Record<number, string>> = {
  2: '95a7224152f2d1b5',
  3: 'a9dcfab23c9094c3',
  4: '30db18cba8080cc9',
  5: 'a99929c512850eaf',
  6: 'd7bc9866773598e5',
  7: '05de3f393a2bfc89',
  8: 'c997837ad938c13f',
};

/** A hash of what a file of types says, whatever its comments, its layout and its version. */
function hashOf(file: string): string {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const text = ts.createPrinter({ removeComments: true }).printFile(source);
  const unversioned = text.replace(/PROTOCOL_VERSION = \d+/, 'PROTOCOL_VERSION');
  return createHash('sha256').update(unversioned).digest('hex').slice(0, 16);
}

it('what windows and the engine say to each other has a version of its own', () => {
  const hash = hashOf(path.join(__dirname, 'protocol.ts'));
  const isReleased = TEXTS[PROTOCOL_VERSION] !== undefined;
  const next = PROTOCOL_VERSION + (isReleased ? 1 : 0);
  const mend = `protocol.ts has changed: raise PROTOCOL_VERSION to ${next} and store its text here as ${next}: '${hash}'.`;
  expect(TEXTS[PROTOCOL_VERSION], mend).toBe(hash);
  expect(new Set(Object.values(TEXTS)).size, mend).toBe(Object.keys(TEXTS).length);
});
