import { settingsFromXmp } from '../../src/core/base/picture-settings';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEYWORD = 'XML:com.adobe.xmp\0';

/**
 * The settings in a PNG that was saved by the views or the command line; undefined where there are
 * none, or the bytes are no PNG. XMP is in an uncompressed iTXt chunk (XMP specification, part 3).
 */
export function settingsInPng(bytes: Uint8Array): unknown {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin = new TextDecoder('latin1');
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const data = bytes.subarray(at + 8, at + 8 + length);
    const isText = latin.decode(bytes.subarray(at + 4, at + 8)) === 'iTXt';
    if (isText && latin.decode(data.subarray(0, KEYWORD.length)) === KEYWORD) return inText(data);
    at += 12 + length;
  }
  return undefined;
}

/** After the keyword: compression flag and method, language and translated keyword, each ended by 0. */
function inText(data: Uint8Array): unknown {
  const isCompressed = data[KEYWORD.length] !== 0;
  if (isCompressed) return undefined;
  const language = data.indexOf(0, KEYWORD.length + 2);
  const translated = data.indexOf(0, language + 1);
  if (language < 0 || translated < 0) return undefined;
  return settingsFromXmp(new TextDecoder().decode(data.subarray(translated + 1)));
}
