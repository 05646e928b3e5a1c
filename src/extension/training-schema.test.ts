import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { trainingSchemaText } from '../../schemas/schema-text';

it('The schema of training configurations is the one that the core checks by', async () => {
  const file = path.resolve(import.meta.dirname, '../../schemas/training.schema.json');
  const written = await readFile(file, 'utf8');
  expect(written, 'write it anew by `npm run schema`').toBe(await trainingSchemaText());
});
