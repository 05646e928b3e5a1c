// Where the time of a training step or of a prediction goes on the CPU, by operator and shape; see README.md.
//   node bench/profile.mjs [--only b] [--runs 8] [--top 20] [--threads 2] [--json file]
import { runBundled } from './bundled.mjs';

process.exit(await runBundled({ profile: 'profile/main.ts' }, process.argv.slice(2)));
