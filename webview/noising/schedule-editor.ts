import { SCHEDULE_KINDS, type ScheduleKind } from '../../src/core/diffusion/schedule';
import { terminalCheck } from '../../src/core/diffusion/terminal-check';
import type { NoiseSettings } from '../../src/engine/protocol';
import { button, checkbox, dropdown, numberField } from '../shared/controls';
import { h, replace, setText, show } from '../shared/dom';
import { mendsOf } from './mend';
import { percent } from './numbers';
import { KIND_LABELS, MOST_TIMESTEPS, PRESETS, sameSettings, scheduleFrom } from './settings';

/** Edits a schedule, and says whether it ends in noise. What makes no schedule is said, not taken. */
export class ScheduleEditor {
  readonly element: HTMLElement;
  private readonly presets = PRESETS.map((preset) => ({
    preset,
    control: button({
      label: preset.name,
      title: preset.title,
      pressed: false,
      onPress: () => this.take(preset.settings),
    }),
  }));
  private readonly kind = dropdown<ScheduleKind>({
    label: 'Kind',
    choices: SCHEDULE_KINDS.map((value) => ({ value, label: KIND_LABELS[value] })),
    value: 'linear',
    onChange: (kind) => this.take({ ...this.settings, kind }),
  });
  private readonly timesteps = numberField({
    label: 'Timesteps T',
    value: null,
    min: 2,
    max: MOST_TIMESTEPS,
    isWhole: true,
    onChange: (timesteps) => this.take({ ...this.settings, timesteps: timesteps! }),
  });
  private readonly betaStart = this.betaField('First β', 'betaStart');
  private readonly betaEnd = this.betaField('Last β', 'betaEnd');
  private readonly zeroSnr = checkbox({
    label: 'Zero terminal SNR',
    value: false,
    title: 'Rescale so that nothing of the image is left at the last timestep (Lin et al., 2023)',
    onChange: (zeroTerminalSnr) => this.take({ ...this.settings, zeroTerminalSnr }),
  });
  private readonly problem = h('p', { class: 'field-error', role: 'alert', hidden: true });
  private readonly verdict = h('div', { class: 'verdict' });
  private settings: NoiseSettings;

  constructor(
    settings: NoiseSettings,
    private readonly onChange: (settings: NoiseSettings) => void,
  ) {
    this.settings = settings;
    const betas = h('div', { class: 'pair' }, this.betaStart.element, this.betaEnd.element);
    this.element = h(
      'section',
      { class: 'card', 'aria-label': 'Schedule editor' },
      h('h2', null, 'Schedule'),
      h(
        'div',
        { class: 'toolbar', role: 'group', 'aria-label': 'Schedules' },
        ...this.presets.map(({ control }) => control.element),
      ),
      h('div', { class: 'form-grid' }, this.kind.element, this.timesteps.element, betas),
      this.zeroSnr.element,
      this.problem,
      this.verdict,
    );
    this.show();
  }

  private betaField(label: string, name: 'betaStart' | 'betaEnd') {
    return numberField({
      label,
      value: null,
      min: 1e-8,
      max: 0.9999,
      onChange: (value) => this.take({ ...this.settings, [name]: value! }),
    });
  }

  /** Takes a schedule from elsewhere, as if it were written here. */
  take(settings: NoiseSettings): void {
    const { problem } = scheduleFrom(settings);
    setText(this.problem, problem ?? '');
    show(this.problem, problem !== null);
    if (problem !== null) return;
    this.settings = settings;
    this.show();
    this.onChange(settings);
  }

  private show(): void {
    const { kind, timesteps, betaStart, betaEnd, zeroTerminalSnr } = this.settings;
    this.kind.value = kind;
    this.timesteps.value = timesteps;
    this.betaStart.value = betaStart;
    this.betaEnd.value = betaEnd;
    this.betaStart.disabled = this.betaEnd.disabled = kind === 'cosine';
    this.zeroSnr.value = zeroTerminalSnr;
    for (const { preset, control } of this.presets) {
      control.pressed = sameSettings(preset.settings, this.settings);
    }
    this.showVerdict();
  }

  private showVerdict(): void {
    const { schedule } = scheduleFrom(this.settings);
    if (!schedule) return;
    const { verdict, amplitude, problem } = terminalCheck(schedule);
    if (verdict === 'fine') {
      const text = `At the last timestep x_T holds ${percent(amplitude)} of the image’s amplitude: near enough to noise to start sampling from noise.`;
      return replace(this.verdict, h('div', { class: 'notice info' }, h('p', null, text)));
    }
    const mends = mendsOf(this.settings).map(({ label, settings }) =>
      button({ label, onPress: () => this.take(settings) }),
    );
    replace(
      this.verdict,
      h(
        'div',
        { class: `notice ${verdict === 'severe' ? 'error' : 'warning'}` },
        h('p', null, problem ?? ''),
        h('div', { class: 'toolbar' }, ...mends.map(({ element }) => element)),
      ),
    );
  }
}
