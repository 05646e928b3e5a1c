import { z } from 'zod';
import { UserError } from './errors';

/** The part of JSON Schema that sentences about wrong values are made from. */
interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** Names a key in a sentence: from 'training.lr' to 'run.json: training.lr', for example. */
export type NameKey = (dottedKey: string) => string;

/**
 * Checks a value against a schema.
 *
 * @param where the file that the value is from, or a function that names a key in a sentence
 * @returns the value with its defaults filled in
 * @throws UserError that names the first wrong key, its value and what is allowed
 */
export function parseWith<T extends z.ZodType>(
  schema: T,
  value: unknown,
  where: string | NameKey,
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const name: NameKey =
    typeof where === 'string' ? (key) => (key === '' ? where : `${where}: ${key}`) : where;
  throw new UserError(sentenceFor(result.error.issues[0]!, schema, value, name));
}

function sentenceFor(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  value: unknown,
  name: NameKey,
): string {
  const { path } = issue;
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  if (issue.code === 'custom') return `${name(dotted(path))} ${issue.message}.`;
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(nodeAt(root, value, path)?.properties ?? {});
    const key = issue.keys[0]!;
    return `${name(dotted([...path, key]))} is not a known key; ${hint(key, known)}`;
  }
  const given = valueAt(value, path);
  const isVast = isVastWhole(given);
  const state =
    given === undefined ? 'is missing' : `is ${isVast ? cut(String(given)) : show(given)}`;
  const node = nodeAt(root, value, path);
  const allowed = node ? allowedBy(node, isVast) : issue.message;
  return `${name(dotted(path))} ${state}; it must be ${allowed}.`;
}

/** 'training.lr', 'model.blockOutChannels[1]'. */
function dotted(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (isRecord(at) || Array.isArray(at) ? Reflect.get(at, key) : undefined),
    value,
  );
}

/** The schema at a path; where there are variants, the one that the value's literals choose. */
function nodeAt(
  root: SchemaNode,
  value: unknown,
  path: readonly PropertyKey[],
): SchemaNode | undefined {
  let node: SchemaNode | undefined = choose(root, value);
  path.forEach((key, depth) => {
    const next = typeof key === 'number' ? node?.items : node?.properties?.[String(key)];
    const isLast = depth === path.length - 1;
    const inside = valueAt(value, path.slice(0, depth + 1));
    if (next === undefined && node?.oneOf) node = unionOf(node.oneOf, String(key));
    else node = next && (isLast && !isRecord(inside) ? next : choose(next, inside));
  });
  return node;
}

function choose(node: SchemaNode, value: unknown): SchemaNode {
  const variants = node.oneOf ?? node.anyOf;
  if (!variants || !isRecord(value)) return node;
  return (
    variants.find((variant) =>
      Object.entries(variant.properties ?? {}).some(
        ([key, property]) => property.const !== undefined && property.const === value[key],
      ),
    ) ?? node
  );
}

/** What a key may be over all variants: the allowed tags of a tagged union. */
function unionOf(variants: readonly SchemaNode[], key: string): SchemaNode {
  const values = variants.map((variant) => variant.properties?.[key]?.const);
  return { enum: values.filter((value) => value !== undefined) };
}

/** Whether it is a whole number, or the text of one, that is too far from 0 to be held exactly. */
function isVastWhole(given: unknown): boolean {
  const isWhole = typeof given === 'string' ? /^[+-]?\d+$/.test(given) : Number.isInteger(given);
  return isWhole && !Number.isSafeInteger(Number(given));
}

/**
 * What a schema allows, in words that follow "it must be".
 *
 * @param limits whether the limits of what can be held exactly are told as well
 */
export function allowedBy(node: SchemaNode, limits = false): string {
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return oneOf(node.enum.map(String));
  const variants = node.anyOf ?? node.oneOf;
  if (variants) return [...new Set(variants.map((each) => allowedBy(each, limits)))].join(' or ');
  switch (node.type) {
    case 'string':
      return 'a text';
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${range(node, limits)}`;
    case 'number':
      return `a number${range(node)}`;
    case 'array':
      return `a list${length(node)}${node.items ? `, each ${allowedBy(node.items)}` : ''}`;
    case 'null':
      return 'null';
    default:
      return 'an object in braces';
  }
}

function range(node: SchemaNode, limits = false): string {
  const told = (bound: number | undefined, limit: number) =>
    bound === limit && !limits ? undefined : bound;
  const low = told(node.minimum, -Number.MAX_SAFE_INTEGER);
  const high = told(node.maximum, Number.MAX_SAFE_INTEGER);
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  const bounds = [
    low !== undefined && `of at least ${low}`,
    node.exclusiveMinimum !== undefined && `above ${node.exclusiveMinimum}`,
    high !== undefined && `of at most ${high}`,
    node.exclusiveMaximum !== undefined && `below ${node.exclusiveMaximum}`,
  ].filter((text) => text !== false);
  return bounds.length > 0 ? ` ${bounds.join(' and ')}` : '';
}

function length({ minItems, maxItems }: SchemaNode): string {
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${maxItems}`;
  if (minItems !== undefined) return ` of at least ${minItems}`;
  return maxItems === undefined ? '' : ` of at most ${maxItems}`;
}

function oneOf(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  return `${names.length > 2 ? 'one of ' : ''}${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The end of a sentence: "did you mean x?" when a known key is close, else the known keys. */
export function hint(key: string, known: readonly string[]): string {
  const nearest = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest && nearest.distance <= Math.max(1, Math.floor(key.length / 3))) {
    return `did you mean ${nearest.name}?`;
  }
  return known.length > 0 ? `known here: ${known.join(', ')}.` : 'remove it.';
}

/** Levenshtein distance: how many letters to insert, remove or change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** A value as it is shown in a sentence, cut to a readable length. */
export function show(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return cut(text);
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Whether a value is an object with keys: neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
