import { settingsFromXmp } from '../../src/core/base/picture-settings';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORD = 'XML:com.adobe.xmp\0';
/** Settings are a few hundred bytes; what unpacks to more is none. */
const MOST_BYTES = 2 ** 20;

const latin = new TextDecoder('latin1');

/**
 * The settings in a PNG that was saved by the views or the command line; undefined where there are
 * none, or the bytes are no PNG. XMP lies in a zTXt chunk as libvips writes it, or in an iTXt chunk
 * (XMP specification, part 3).
 */
export async function settingsInPng(bytes: Uint8Array): Promise<unknown> {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = latin.decode(bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    const packed = kind === 'zTXt' ? inZtxt(data) : kind === 'iTXt' ? inItxt(data) : null;
    if (packed) return settingsFromXmp(new TextDecoder().decode(await unpacked(packed)));
    at += 12 + length;
  }
  return undefined;
}

interface Packed {
  readonly data: Uint8Array;
  readonly isCompressed: boolean;
}

function isXmp(data: Uint8Array): boolean {
  return latin.decode(data.subarray(0, KEYWORD.length)) === KEYWORD;
}

/** After the keyword: the compression method, and the compressed text. */
function inZtxt(data: Uint8Array): Packed | null {
  return isXmp(data) ? { data: data.subarray(KEYWORD.length + 1), isCompressed: true } : null;
}

/** After the keyword: compression flag and method, language and translated keyword, each ended by 0. */
function inItxt(data: Uint8Array): Packed | null {
  if (!isXmp(data)) return null;
  const language = data.indexOf(0, KEYWORD.length + 2);
  const translated = data.indexOf(0, language + 1);
  if (language < 0 || translated < 0) return null;
  return { data: data.subarray(translated + 1), isCompressed: data[KEYWORD.length] !== 0 };
}

/** The text's bytes, cut off where they are too many; what is torn gives what came before the tear. */
async function unpacked({ data, isCompressed }: Packed): Promise<Uint8Array> {
  if (!isCompressed) return data.subarray(0, MOST_BYTES);
  const out = new Uint8Array(MOST_BYTES);
  let length = 0;
  const stream = new Blob([data.slice()]).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = stream.getReader();
  try {
    while (length < MOST_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      const part = value.subarray(0, MOST_BYTES - length);
      out.set(part, length);
      length += part.length;
    }
  } catch {
    // Torn: the settings are whole in what came before, or there are none.
  }
  void reader.cancel().catch(() => undefined);
  return out.subarray(0, length);
}
