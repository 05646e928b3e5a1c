import { format } from 'prettier';
import { trainingConfigJsonSchema } from '../src/core/config/resolve';

/** The JSON schema of training configurations, as its file holds it. */
export async function trainingSchemaText(): Promise<string> {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Training configuration',
    description: 'What Diffusion Lab trains, and how. What is left out has a default.',
    ...trainingConfigJsonSchema(),
    // The editor lets a file have comments only where its schema says so; ours are plain JSON.
    allowComments: false,
    allowTrailingCommas: false,
  };
  return format(JSON.stringify(schema), { parser: 'json', printWidth: 100 });
}
