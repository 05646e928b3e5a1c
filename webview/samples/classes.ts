import type { ModelClasses } from '../../src/engine/protocol';
import type { ClassForm, SampleForm } from '../protocol';

/** Images that are drawn in one batch, so that all of them move together. */
export const MOST_IMAGES = 64;

/** What a class-conditional model is sampled with at first: all classes in turn. */
export const FIRST_CLASSES: ClassForm = { names: null, guidance: 2, rescale: 0, grid: null };

/** Columns of a class × guidance grid. */
const GRID_SCALES: readonly number[] = [1, 2, 4, 8];

/** The classes of a form for a model: as they are where they can be, else as at first. */
export function fittingClasses(
  form: ClassForm | undefined,
  model: ModelClasses | null,
): ClassForm | undefined {
  if (model === null) return undefined;
  const { names, guidance, rescale, grid } = form ?? FIRST_CLASSES;
  const known = (wanted: readonly string[]) => wanted.every((name) => model.names.includes(name));
  const fits = {
    names: names && known(names) ? names : null,
    guidance: model.canGuide ? guidance : 1,
    rescale: model.canGuide ? rescale : 0,
    grid: model.canGuide && grid && known(grid.names) ? grid : null,
  };
  return fits;
}

/** Every class, or as many as fit, at every guidance. */
export function gridOf({ names }: ModelClasses): NonNullable<ClassForm['grid']> {
  const rows = Math.floor(MOST_IMAGES / GRID_SCALES.length);
  return { names: names.slice(0, rows), scales: GRID_SCALES };
}

/** The form as it is drawn: a grid has its own number of images. */
export function withGridCount(form: SampleForm): SampleForm {
  const grid = form.classes?.grid;
  return grid ? { ...form, count: grid.names.length * grid.scales.length } : form;
}

/** What an image was asked to be: "class 3, guidance 2"; empty for a model without classes. */
export function classLabel({ classes }: SampleForm, index: number): string {
  if (!classes) return '';
  const { names, guidance, grid } = classes;
  if (grid) {
    const row = grid.names[Math.floor(index / grid.scales.length)];
    return `class ${row}, guidance ${grid.scales[index % grid.scales.length]}`;
  }
  return names ? `class ${names[index % names.length]}, guidance ${guidance}` : '';
}

/** ", class 3, guidance 2": of a row as a whole, as part of its title. */
export function classesLabel({ classes }: SampleForm): string {
  if (!classes) return '';
  const { names, guidance, rescale, grid } = classes;
  const scaled = rescale > 0 ? `, rescaled ${rescale}` : '';
  if (grid)
    return `, ${grid.names.length} ${grid.names.length === 1 ? 'class' : 'classes'} × guidance${scaled}`;
  const which = names
    ? `${names.length > 1 ? 'classes' : 'class'} ${names.join(', ')}`
    : 'all classes';
  return `, ${which}${guidance === 1 ? '' : `, guidance ${guidance}${scaled}`}`;
}

/** What the rows and columns of a grid are, in a sentence; empty for none. */
export function gridLegend({ classes }: SampleForm): string {
  const grid = classes?.grid;
  if (!grid) return '';
  return `Rows: classes ${grid.names.join(', ')}. Columns: guidance ${grid.scales.join(', ')}. All of one noise.`;
}

/** The classes that a saved picture was drawn with; undefined where it says nothing of them. */
export function restoredClasses(given: Readonly<Record<string, unknown>>): ClassForm | undefined {
  const { classes, guidance, guidanceRescale, sameNoise } = given;
  const names = isListOf(classes, 'string') ? [...new Set(classes)] : null;
  const rescale = typeof guidanceRescale === 'number' ? guidanceRescale : 0;
  if (typeof guidance === 'number') return { names, guidance, rescale, grid: null };
  if (!isListOf(guidance, 'number') || !names || sameNoise !== true) return undefined;
  return { ...FIRST_CLASSES, rescale, grid: { names, scales: guidance } };
}

interface Kinds {
  readonly string: string;
  readonly number: number;
}

function isListOf<K extends keyof Kinds>(value: unknown, kind: K): value is readonly Kinds[K][] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === kind);
}
