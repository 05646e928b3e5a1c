import { stat } from 'node:fs/promises';
import { withFile } from '../base/files';
import { judgeFolder, type DiffusersVerdict } from './diffusers-verdict';
import { SafetensorsFile, type TensorInfo } from './safetensors';

/** A safetensors file without its numbers. */
export interface SafetensorsSummary {
  readonly path: string;
  readonly bytes: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the header's order. */
  readonly tensors: readonly TensorInfo[];
  readonly verdict: DiffusersVerdict;
}

/**
 * What a safetensors file holds, by its header alone, and what diffusers would say of its folder.
 *
 * @throws UserError that names the file and the fault
 */
export async function inspectSafetensors(path: string): Promise<SafetensorsSummary> {
  const file = await SafetensorsFile.open(path);
  await file.close();
  const bytes = await withFile('read', path, async () => (await stat(path)).size);
  const { metadata } = file;
  return {
    path,
    bytes,
    metadata,
    tensors: [...file.tensors.values()],
    verdict: await judgeFolder(path),
  };
}
