import type { SampleForm } from '../../../webview/protocol';

/** A word as a POSIX shell, PowerShell or cmd.exe reads it back. */
export function quoted(word: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return /^[\w.:\\/-]+$/.test(word) ? word : `"${word}"`;
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command that draws what a form of the samples view draws. */
export function sampleCommand(
  form: SampleForm,
  places: { readonly device: string; readonly threads?: number },
  platform: NodeJS.Platform = process.platform,
): string {
  const { model, solver, steps, eta, seed, count, spacing, variance } = form;
  const options: readonly (readonly [string, string | number | null | undefined])[] = [
    ['--count', count],
    ['--solver', solver],
    ['--steps', steps],
    ['--eta', solver === 'ddim' && eta > 0 ? eta : null],
    ['--spacing', spacing],
    ['--variance', solver === 'ddpm' ? variance : null],
    ['--seed', seed],
    ['--device', places.device === 'auto' ? null : places.device],
    ['--threads', places.threads],
  ];
  const words = options.flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [name, String(value)],
  );
  return ['npx diffusion-lab sample', ...[model, ...words].map((w) => quoted(w, platform))].join(
    ' ',
  );
}
