import type { SafetensorsSummary } from '../core/checkpoint/inspect';
import type { TensorInfo } from '../core/checkpoint/safetensors';
import { bytesText, count, fields, plural, shortPath } from './format';
import type { Style } from './terminal';

/** Tensors that are told to people; --json tells all. */
const MOST_TOLD = 40;

const elements = ({ shape }: TensorInfo) => shape.reduce((product, side) => product * side, 1);

/** What a safetensors file holds, for people. */
export function aboutSafetensors(summary: SafetensorsSummary, style: Style): string[] {
  const { path, bytes, metadata, tensors, verdict } = summary;
  const total = tensors.reduce((sum, tensor) => sum + elements(tensor), 0);
  const types = [...new Set(tensors.map(({ dtype }) => dtype))].join(', ');
  const texts = Object.entries(metadata).map(([name, text]) => `${name}: ${text}`);
  const width = Math.max(0, ...tensors.slice(0, MOST_TOLD).map(({ name }) => name.length));
  const left = tensors.length - MOST_TOLD;
  return [
    `${style.bold('Safetensors file')} ${shortPath(path)}`,
    ...fields([
      [
        'tensors',
        `${plural(tensors.length, 'tensor')} of ${count(total)} numbers (${types || 'none'})`,
      ],
      ['size', bytesText(bytes)],
      ...(texts.length > 0 ? [['metadata', texts.join('; ')] as const] : []),
      ['diffusers', verdict.refusal ?? `would load ${shortPath(verdict.folder)}`],
    ]),
    ...verdict.warnings.map((message) => `${style.yellow('warning:')} ${message}`),
    ...tensors
      .slice(0, MOST_TOLD)
      .map(({ name, dtype, shape }) => `  ${name.padEnd(width)}  ${dtype} [${shape.join(', ')}]`),
    ...(left > 0 ? [`  and ${count(left)} more (--json lists all)`] : []),
  ];
}
