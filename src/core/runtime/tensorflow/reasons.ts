import { INSTALL_HINT, PACKAGE } from './load';

const NEEDS = 'CUDA 11.2 and cuDNN 8.1';

type Rule = readonly [pattern: RegExp, reason: (matches: readonly string[]) => string];

const AGAIN = `${INSTALL_HINT.replace('install it', 'install it anew')}`;

/** What the library says, and what that means. The first that fits holds. */
const RULES: readonly Rule[] = [
  [
    /NODE_MODULE_VERSION|n-api version|compiled against a different node/i,
    () => `its native part is for another Node than ${process.versions.node}; ${AGAIN}`,
  ],
  [
    /libtensorflow(?:_framework)?[\w.]*: cannot open|specified module could not be found/i,
    () => `libtensorflow is missing beside ${PACKAGE}; ${AGAIN}`,
  ],
  [/native addon module|tfjs_binding/i, () => `the native part of ${PACKAGE} is missing; ${AGAIN}`],
  [
    /Could not load dynamic library '(?:libcuda\.so\.1|nvcuda\.dll)'/,
    () => 'TensorFlow found no driver of an NVIDIA GPU; install NVIDIA’s driver',
  ],
  [
    /Could not load dynamic library '([^']+)'/g,
    ([first, ...others]) => {
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      return `TensorFlow found no GPU, for want of ${first}${more}; install ${NEEDS}`;
    },
  ],
  [
    /TensorFlow found no GPU/,
    () => `TensorFlow found no NVIDIA GPU that works; it needs a driver, ${NEEDS}`,
  ],
];

/**
 * Why TensorFlow does not work here, in a sentence with the way out.
 *
 * @param message why its trial failed
 * @param complaints what it wrote to stderr meanwhile
 */
export function tensorflowReason(message: string, complaints: string): string {
  const said = `${message}\n${complaints}`;
  for (const [pattern, reason] of RULES) {
    if (!new RegExp(pattern, pattern.flags.replace('g', '')).test(said)) continue;
    const all = new RegExp(pattern, 'g');
    return reason([...new Set([...said.matchAll(all)].map(([, name]) => name!))]);
  }
  return message.trim().split('\n')[0]!;
}
