import type { SafetensorsSummary } from '../../src/engine/protocol';
import { dataTable } from '../shared/data-table';
import { h } from '../shared/dom';
import { bytesText, count, plural } from '../shared/format';

/** "64 tensors, 21,811 numbers, F32, 88.9 kB" */
export function totalsText({ tensors, bytes }: SafetensorsSummary): string {
  const numbers = tensors.reduce(
    (sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1),
    0,
  );
  const types = [...new Set(tensors.map(({ dtype }) => dtype))].join(', ') || 'no types';
  return [
    plural(tensors.length, 'tensor'),
    plural(numbers, 'number'),
    types,
    bytesText(bytes),
  ].join(' · ');
}

/** What diffusers would say of the folder, and the header's texts. */
export function summaryBody(summary: SafetensorsSummary): HTMLElement[] {
  const { refusal, folder, warnings } = summary.verdict;
  const verdict = refusal
    ? h('p', { class: 'notice warning' }, `Not a folder that diffusers loads as it is: ${refusal}`)
    : h('p', { class: 'notice info' }, `diffusers would load ${folder}.`);
  const texts = Object.entries(summary.metadata);
  const metadata =
    texts.length === 0
      ? h('p', { class: 'hint' }, 'Its header has no metadata.')
      : h(
          'details',
          null,
          h('summary', null, `Metadata (${count(texts.length)})`),
          dataTable({
            caption: 'Texts in the header',
            head: ['name', 'text'],
            rows: texts,
            isText: true,
          }),
        );
  return [verdict, ...warnings.map((text) => h('p', { class: 'notice warning' }, text)), metadata];
}
