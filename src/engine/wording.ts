/** Options of the command line that are no settings, and what they are called in a window. */
const NAMES: Readonly<Record<string, string>> = {
  '--out': 'folder',
  '--resume': 'resuming',
  '--config': 'settings file',
};

/** Whole phrases that only make sense at a command line. */
const PHRASES: readonly (readonly [RegExp, string])[] = [
  [/^--steps is (?=.*(?:more than the|, but ))/, 'The number of steps is '],
  [/ with train --out\b/g, ''],
  [
    /go on with it by --resume \S+, or choose another --out/g,
    'resume it, or choose another folder',
  ],
  [/--resume goes on/g, 'training can go on'],
  [/see the command devices, or use --device cpu/g, 'choose the device cpu'],
  [/use --device /g, 'use the device '],
  [/use --dataset with /g, 'choose '],
];

/** 'batch-size' as 'batchSize': a setting's name in its file. */
function settingOf(option: string): string {
  const name = option.slice(2);
  return NAMES[option] ?? name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/**
 * A sentence of the core, which speaks in options of the command line, as it is said in a window:
 * '--batch-size is 0' becomes 'batchSize is 0'.
 */
export function inWindowWords(sentence: string): string {
  const phrased = PHRASES.reduce((text, [from, to]) => text.replace(from, to), sentence);
  const named = phrased.replace(/(?<![\w-])--[a-z][a-z0-9-]*/g, settingOf).trim();
  return /^(the|a) /.test(named) ? named[0]!.toUpperCase() + named.slice(1) : named;
}
