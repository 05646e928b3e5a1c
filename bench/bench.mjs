// Measures training, sampling and what is around them, against PyTorch; see README.md.
import { runBundled } from './bundled.mjs';

const programs = { main: 'main.ts', ours: 'ours/main.ts' };
process.exit(await runBundled(programs, process.argv.slice(2)));
