/** The settings in which runs differ. Pure. */

export interface DifferingSetting {
  /** Dotted, such as "training.lr". */
  readonly key: string;
  /** One text a configuration; "–" where it has none. */
  readonly values: readonly string[];
}

/** Settings that are not the same in all configurations, by name. Lists are compared as a whole. */
export function differingSettings(configs: readonly unknown[]): DifferingSetting[] {
  const flat = configs.map((config) => flatten(config));
  const keys = [...new Set(flat.flatMap((each) => [...each.keys()]))].sort();
  return keys
    .map((key) => ({ key, values: flat.map((each) => each.get(key) ?? '–') }))
    .filter(({ values }) => new Set(values).size > 1);
}

function flatten(value: unknown, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  if (typeof value !== 'object' || value === null) return flat;
  for (const [key, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) {
      for (const [path, text] of flatten(inner, `${prefix}${key}.`)) flat.set(path, text);
    } else {
      flat.set(prefix + key, textOf(inner));
    }
  }
  return flat;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
