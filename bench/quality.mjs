// How good what we train is, beside the same training in PyTorch; see README.md.
//   node bench/quality.mjs --dataset idx:<folder> --python <python with torch and numpy>
import { runBundled } from './bundled.mjs';

process.exit(await runBundled({ quality: 'quality/main.ts' }, process.argv.slice(2)));
