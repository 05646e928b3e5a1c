import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { trainingSchemaText } from './schema-text';

/** Writes the schema that `package.json` names. Run from the project's folder. */
async function main(): Promise<void> {
  await writeFile(path.join('schemas', 'training.schema.json'), await trainingSchemaText());
}

void main();
