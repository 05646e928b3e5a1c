import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../base/errors';
import { exists, readJson, writeFileSynced } from '../base/files';
import { parseWith } from '../base/schema';
import { signatureOf, type ModelConfig } from '../nn/model';
import { classWidth } from '../nn/unet2d-config';
import { formatJson } from './json-format';

/** Lies beside `model_index.json`; the diffusers library passes it over. */
export const SIDECAR = 'diffusion_lab.json';

/** What a net is conditioned on, as far as `UNet2DModel` has no place for it. */
export const Conditioning = z.strictObject({
  format: z.literal(1).default(1),
  classNames: z
    .array(z.string())
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'names a class twice')
    .nullable()
    .default(null)
    .describe(
      'Name of each class, by its row of the class embedding; null where no one named them.',
    ),
  nullClass: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe('Row of the class embedding that stands for no class, for guidance; null for none.'),
});
export type Conditioning = Omit<z.infer<typeof Conditioning>, 'format'>;

/** What the file says: of the conditioning, and of what the net's input channels are. */
const Sidecar = Conditioning.extend({
  selfCondition: z
    .boolean()
    .default(false)
    .describe('Whether the second half of the input channels is the last estimate of the image.'),
});

/** Of a net that is told nothing but the image and the timestep, or whose folder does not say. */
export const UNCONDITIONED: Conditioning = { classNames: null, nullClass: null };

/** The rows of a class embedding that are classes, each with its name. */
export interface ClassList {
  readonly names: readonly string[];
  /** The row that stands for no class; null for none. */
  readonly nullClass: number | null;
}

/** Writes the sidecar where there is something to say. */
export async function writeSidecar(
  folder: string,
  model: ModelConfig,
  conditioning: Conditioning,
): Promise<void> {
  const own = signatureOf(model).selfCondition ? { selfCondition: true } : {};
  if (Object.values({ ...conditioning, ...own }).every((value) => !value)) return;
  const content = formatJson({ format: 1, ...conditioning, ...own });
  await writeFileSynced(path.join(folder, SIDECAR), content);
}

/**
 * Reads the sidecar of a pipeline folder; a folder without one is unconditioned, as far as it says.
 *
 * @param model the net by its own `config.json`
 * @returns the net with what the file says of its input, and what it is conditioned on
 * @throws UserError when the file is broken, or does not fit the net
 */
export async function readSidecar(
  folder: string,
  model: ModelConfig,
): Promise<{ readonly model: ModelConfig; readonly conditioning: Conditioning }> {
  const file = path.join(folder, SIDECAR);
  if (!(await exists(file))) return { model, conditioning: UNCONDITIONED };
  const { classNames, nullClass, selfCondition } = parseWith(Sidecar, await readJson(file), file);
  const conditioning = { classNames, nullClass };
  checkClasses(file, model, conditioning);
  return { model: selfCondition ? selfConditioned(file, model) : model, conditioning };
}

function selfConditioned(file: string, model: ModelConfig): ModelConfig {
  if (model.type !== 'unet') {
    throw new UserError(
      `${file} says that the net takes its last estimate (selfCondition), which only a U-Net can; use another ` +
        'copy or checkpoint.',
    );
  }
  const { in_channels: taken, out_channels: given } = model.config;
  if (taken !== 2 * given) {
    throw new UserError(
      `${file} says that the net takes its last estimate (selfCondition), but its in_channels is ${taken}, not ` +
        `twice the ${given} of out_channels; use another copy or checkpoint.`,
    );
  }
  return { ...model, selfCondition: true };
}

function checkClasses(
  file: string,
  model: ModelConfig,
  { classNames, nullClass }: Conditioning,
): void {
  const rows = rowsOf(model);
  const named = classNames === null ? null : classNames.length + (nullClass === null ? 0 : 1);
  if (named !== null && named !== rows) {
    throw new UserError(
      `${file} names ${classNames!.length} classes${nullClass === null ? '' : ' and a null class'}, ` +
        `but the net has ${rows ?? 'no'} class embeddings; use another copy or checkpoint.`,
    );
  }
  if (nullClass !== null && nullClass !== (rows ?? 0) - 1) {
    throw new UserError(
      `${file} has the null class ${nullClass}, which must be the last of the net's ${rows ?? 0} ` +
        'class embeddings; use another copy or checkpoint.',
    );
  }
}

/** A net that takes vectors for classes ("identity") has none to choose from. */
function rowsOf(model: ModelConfig): number | null {
  if (model.type !== 'unet' || model.config.class_embed_type === 'identity') return null;
  return classWidth(model.config);
}

/** The classes of a net, numbered where no one named them; null for a net without class labels. */
export function classListOf(model: ModelConfig, conditioning: Conditioning): ClassList | null {
  const rows = rowsOf(model);
  if (rows === null) return null;
  const { nullClass, classNames } = conditioning;
  const count = nullClass === null ? rows : rows - 1;
  const names = classNames ?? Array.from({ length: count }, (_, i) => String(i));
  return { names, nullClass };
}
