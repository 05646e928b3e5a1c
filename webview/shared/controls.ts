import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeCheckbox,
  vsCodeDropdown,
  vsCodeOption,
  vsCodePanels,
  vsCodePanelTab,
  vsCodePanelView,
  vsCodeRadio,
  vsCodeRadioGroup,
  vsCodeTextField,
} from '@vscode/webview-ui-toolkit';
import type {
  Button,
  Checkbox,
  Dropdown,
  Panels,
  RadioGroup,
  TextField,
} from '@vscode/webview-ui-toolkit';
import { freshId, h, replace, setAttribute, setText, show } from './dom';
import { icon } from './icons';
import type { IconName } from './icons';

/**
 * The views' controls, and the only place that knows of the toolkit: one that succeeds it is put in
 * here. Each function makes a control, already labelled; `element` goes into the page. Setting `value`
 * or `disabled` calls nobody back; what the user does calls `onChange` (or `onPress`).
 */

provideVSCodeDesignSystem().register(
  vsCodeButton(),
  vsCodeCheckbox(),
  vsCodeDropdown(),
  vsCodeOption(),
  vsCodePanels(),
  vsCodePanelTab(),
  vsCodePanelView(),
  vsCodeRadio(),
  vsCodeRadioGroup(),
  vsCodeTextField(),
);

/** Toolkit elements by name: the names are registered above. */
function make<T extends HTMLElement>(
  tag: string,
  attributes: Readonly<Record<string, string | boolean | undefined>> = {},
  ...children: readonly (Node | string)[]
): T {
  const element = document.createElement(`vscode-${tag}`) as T;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children);
  return element;
}

export interface Control<T> {
  readonly element: HTMLElement;
  value: T;
  disabled: boolean;
}

export interface Choice<T extends string = string> {
  readonly value: T;
  readonly label: string;
}

export interface ButtonControl {
  readonly element: HTMLElement;
  disabled: boolean;
  /** For buttons that stay down; undefined for others. */
  pressed: boolean | undefined;
  /** Changes what it says and shows. */
  relabel(label: string, icon?: IconName): void;
}

/**
 * @param look primary: the one main action; secondary: others; icon: shows its icon alone, and says
 * its label as a tooltip and to screen readers
 */
export function button(options: {
  readonly label: string;
  readonly icon?: IconName;
  readonly look?: 'primary' | 'secondary' | 'icon';
  readonly title?: string;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly onPress: () => void;
}): ButtonControl {
  const look = options.look ?? 'secondary';
  const element = make<Button>('button', { appearance: look });
  let pressed: boolean | undefined;
  const control: ButtonControl = {
    element,
    get disabled() {
      return element.disabled;
    },
    set disabled(value) {
      if (element.disabled !== value) element.disabled = value;
    },
    get pressed() {
      return pressed;
    },
    set pressed(value) {
      pressed = value;
      element.ariaPressed = value === undefined ? null! : String(value);
      element.classList.toggle('pressed', value === true);
    },
    relabel(label, name) {
      element.ariaLabel = label;
      element.title = options.title ?? (look === 'icon' ? label : '');
      const drawing = name && icon(name);
      if (drawing && look !== 'icon') drawing.setAttribute('slot', 'start');
      replace(element, drawing, look === 'icon' ? null : label);
    },
  };
  control.relabel(options.label, options.icon);
  control.disabled = options.disabled ?? false;
  if (options.pressed !== undefined) control.pressed = options.pressed;
  element.addEventListener('click', () => {
    if (!element.disabled) options.onPress();
  });
  return control;
}

/** A control that says what cannot be of what is written in it. */
export interface CheckedControl<T> extends Control<T> {
  /** Looks anew: what may be written has changed. */
  check(): void;
}

/**
 * A line of text. `check` answers null, or why the text cannot be; then `onChange` is not called. The
 * reason comes and goes with what is written: on leaving the field, which may be in the middle of a
 * click elsewhere, nothing moves.
 */
export function textField(options: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly check?: (text: string) => string | null;
  readonly onChange: (text: string) => void;
}): CheckedControl<string> {
  const input = make<TextField>('text-field', { placeholder: options.placeholder }, options.label);
  input.value = options.value;
  const error = h('span', { class: 'field-error', role: 'alert', hidden: true });
  const isFit = () => {
    const fault = options.check?.(input.value) ?? null;
    setText(error, fault ?? '');
    show(error, fault !== null);
    input.ariaInvalid = fault === null ? null! : 'true';
    return fault === null;
  };
  input.addEventListener('input', isFit);
  input.addEventListener('change', () => {
    if (isFit()) options.onChange(input.value);
  });
  const control = controlOf(h('div', { class: 'field' }, input, error), input, {
    get: () => input.value,
    set: (value) => {
      input.value = value;
      isFit();
    },
  });
  return Object.assign(control, { check: () => void isFit() });
}

/**
 * A number. Empty text is null where `emptyLabel` says what that means (it is the placeholder); what is
 * no number, or out of range, is said below the field and not taken. Text that cannot be stays, with what is said of
 * it, until it is mended or `value` is set to another number.
 */
export function numberField(options: {
  readonly label: string;
  readonly value: number | null;
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
  readonly emptyLabel?: string;
  /** Why a number in the range cannot be as things are; null where it can. See {@link CheckedControl.check}. */
  readonly fault?: (value: number) => string | null;
  readonly onChange: (value: number | null) => void;
}): CheckedControl<number | null> {
  const parse = (text: string) => (text.trim() === '' ? null : Number(text));
  let taken = options.value;
  const field = textField({
    label: options.label,
    value: options.value === null ? '' : String(options.value),
    placeholder: options.emptyLabel,
    check: (text) => numberFault(parse(text), options),
    onChange: (text) => {
      taken = parse(text);
      options.onChange(taken);
    },
  });
  field.element.classList.add('number');
  return {
    element: field.element,
    get value() {
      return parse(field.value);
    },
    set value(value) {
      if (value === taken) return;
      taken = value;
      field.value = value === null ? '' : String(value);
    },
    get disabled() {
      return field.disabled;
    },
    set disabled(value) {
      field.disabled = value;
    },
    check: () => field.check(),
  };
}

function numberFault(
  value: number | null,
  { min, max, isWhole, emptyLabel, fault }: Parameters<typeof numberField>[0],
): string | null {
  const kind = isWhole ? 'a whole number' : 'a number';
  if (value === null) return emptyLabel === undefined ? `Enter ${kind}.` : null;
  const isFit = Number.isFinite(value) && value >= min && value <= max;
  return isFit && (!isWhole || Number.isInteger(value))
    ? (fault?.(value) ?? null)
    : `Enter ${kind} from ${min} to ${max}.`;
}

export interface DropdownControl<T extends string> extends Control<T> {
  /** Gives it other choices; the value stays where it is among them, else it is the first. */
  setChoices(choices: readonly Choice<T>[]): void;
}

export function dropdown<T extends string>(options: {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): DropdownControl<T> {
  const label = h('span', { class: 'field-label', id: freshId('label') }, options.label);
  const select = make<Dropdown>('dropdown', { 'aria-labelledby': label.id });
  let value = options.value;
  let choices: readonly Choice<T>[] = [];
  const draw = () =>
    select.replaceChildren(
      ...choices.map((choice) =>
        make('option', { value: choice.value, selected: choice.value === value }, choice.label),
      ),
    );
  const fill = (next: readonly Choice<T>[]) => {
    choices = next;
    if (!choices.some((choice) => choice.value === value) && choices[0]) value = choices[0].value;
    draw();
  };
  // It takes its options some time after they were put in, and then the one that is marked.
  const hasTaken = () => select.options?.[0] === select.firstElementChild;
  fill(options.choices);
  select.addEventListener('change', () => {
    value = select.value as T;
    options.onChange(value);
  });
  const control = controlOf<T>(h('div', { class: 'field' }, label, select), select, {
    get: () => value,
    set: (next) => {
      value = next;
      if (hasTaken()) select.value = next;
      else draw();
    },
  });
  return Object.defineProperties({ setChoices: fill } as DropdownControl<T>, {
    ...Object.getOwnPropertyDescriptors(control),
  });
}

export function checkbox(options: {
  readonly label: string;
  readonly value: boolean;
  readonly title?: string;
  readonly onChange: (value: boolean) => void;
}): Control<boolean> {
  const box = make<Checkbox>('checkbox', { title: options.title }, options.label);
  box.checked = options.value;
  let value = options.value;
  box.addEventListener('change', () => {
    if (box.checked === value) return;
    value = box.checked;
    options.onChange(value);
  });
  return controlOf(box, box, {
    get: () => value,
    set: (next) => {
      value = next;
      box.checked = next;
    },
  });
}

/** A few choices, all in sight, one taken. */
export function radioGroup<T extends string>(options: {
  readonly label: string;
  readonly choices: readonly Choice<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): Control<T> {
  const name = freshId('radio');
  const group = make<RadioGroup>('radio-group', { name, 'aria-label': options.label });
  group.append(
    h('span', { slot: 'label', class: 'field-label' }, options.label),
    ...options.choices.map((choice) => make('radio', { value: choice.value }, choice.label)),
  );
  group.value = options.value;
  let value = options.value;
  group.addEventListener('change', () => {
    if (group.value === value) return;
    value = group.value as T;
    options.onChange(value);
  });
  return controlOf(group, group, {
    get: () => value,
    set: (next) => {
      value = next;
      group.value = next;
    },
  });
}

/** Tabs, each with its view. */
export function panels<T extends string>(options: {
  readonly label: string;
  readonly tabs: readonly (Choice<T> & { readonly view: Node })[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}): Control<T> {
  const prefix = freshId('tab');
  const idOf = (value: string) => `${prefix}-${value}`;
  const element = make<Panels>('panels', { 'aria-label': options.label });
  for (const tab of options.tabs) {
    element.append(
      make('panel-tab', { id: idOf(tab.value) }, tab.label),
      make('panel-view', { id: `${idOf(tab.value)}-view` }, tab.view),
    );
  }
  element.activeid = idOf(options.value);
  let value = options.value;
  element.addEventListener('change', (event) => {
    if (event.target !== element) return;
    const next = element.activeid.slice(prefix.length + 1) as T;
    if (next === value) return;
    value = next;
    options.onChange(next);
  });
  return {
    element,
    disabled: false,
    get value() {
      return value;
    },
    set value(next) {
      value = next;
      element.activeid = idOf(next);
    },
  };
}

function controlOf<T>(
  element: HTMLElement,
  inner: HTMLElement & { disabled: boolean },
  access: { readonly get: () => T; readonly set: (value: T) => void },
): Control<T> {
  return {
    element,
    get value() {
      return access.get();
    },
    set value(value) {
      if (value !== access.get()) access.set(value);
    },
    get disabled() {
      return inner.disabled;
    },
    set disabled(value) {
      if (inner.disabled !== value) inner.disabled = value;
    },
  };
}
