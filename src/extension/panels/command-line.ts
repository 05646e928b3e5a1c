import type { ClassForm, SampleForm } from '../../../webview/protocol';
import { EngineError } from '../../engine/client';

/**
 * A word as a shell reads it back, whatever it holds: a POSIX shell, or on Windows both PowerShell and
 * cmd.exe.
 *
 * @throws EngineError with a sentence, for a word that Windows' shells would not read alike
 */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return quotedOnWindows(word);
  return /^[\w./:@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What is replaced or ends the quotes in cmd.exe, whatever quotes there are; and control characters. */
const UNQUOTABLE = /[%"\x00-\x1f]/;
/** What PowerShell replaces in double quotes, or takes for one of them. */
const NOT_IN_DOUBLE = /[$`\u201c-\u201e]/;
/** What begins another command in cmd.exe, to which single quotes are nothing. */
const NOT_IN_SINGLE = /[&|<>^()]/;
/** All that PowerShell takes for a single quote. */
const SINGLE_QUOTES = /['\u2018-\u201b]/g;

function quotedOnWindows(word: string): string {
  if (/^[\w.:\\/-]+$/.test(word)) return word;
  if (!UNQUOTABLE.test(word)) {
    // A program reads a backslash before a quote as part of it.
    if (!NOT_IN_DOUBLE.test(word)) return `"${word.replace(/\\+$/, '$&$&')}"`;
    if (!NOT_IN_SINGLE.test(word)) return `'${word.replace(SINGLE_QUOTES, '$&$&')}'`;
  }
  throw new EngineError({
    kind: 'user',
    message: `${word} holds characters that a Windows shell would replace, so there is no command for it; rename its folder.`,
  });
}

/** What a command needs to know beside the form. */
export interface CommandPlaces {
  /** The command line's program, as the extension brings it. */
  readonly cli: string;
  readonly device: string;
  readonly threads?: number;
}

type Option = readonly [name: string, value: string | number | null | undefined];

function classOptions(classes: ClassForm | undefined): Option[] {
  if (!classes) return [];
  const { names, guidance, rescale, grid } = classes;
  return [
    ...(grid?.names ?? names ?? []).map((name): Option => ['--class', name]),
    ['--guidance', grid ? grid.scales.join(',') : guidance],
    ['--guidance-rescale', rescale > 0 ? rescale : null],
  ];
}

/** Options without a value; left out where the model's folder says. */
function switches(own: SampleForm['own']): string[] {
  const each = [
    ['karras', own?.karras],
    ['skip-prk', own?.skipPrk],
  ] as const;
  return each.flatMap(([name, isOn]) =>
    isOn === undefined ? [] : [isOn ? `--${name}` : `--no-${name}`],
  );
}

/**
 * The command that draws what a form of the samples view draws, for a shell with Node.
 *
 * @throws EngineError as {@link quoted}
 */
export function sampleCommand(
  form: SampleForm,
  places: CommandPlaces,
  platform: NodeJS.Platform = process.platform,
): string {
  const { model, solver, steps, eta, seed, count, spacing, variance, own, classes } = form;
  const options: readonly Option[] = [
    ['--count', classes?.grid ? null : count],
    ['--solver', solver],
    ['--steps', steps],
    ['--eta', solver === 'ddim' && eta > 0 ? eta : null],
    ['--spacing', spacing],
    ['--variance', solver === 'ddpm' ? variance : null],
    ['--order', own?.order],
    ['--bh', own?.bh],
    ['--threshold', own?.threshold],
    ['--threshold-max', own?.thresholdMax],
    ...classOptions(classes),
    ['--seed', seed],
    ['--device', places.device === 'auto' ? null : places.device],
    ['--threads', places.threads],
  ];
  const given = options.flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [name, String(value)],
  );
  const words = ['node', places.cli, 'sample', model, ...given, ...switches(own)];
  return words.map((word) => quoted(word, platform)).join(' ');
}
