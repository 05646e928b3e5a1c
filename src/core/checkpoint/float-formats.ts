import type { TensorDtype } from './safetensors';

/** Converts the bytes of a tensor (little-endian) to float32. */
export type ToFloat32 = (bytes: Uint8Array) => Float32Array;

/** The conversion from one of the safetensors float types to float32, or null for other types. */
export function toFloat32(dtype: string): ToFloat32 | null {
  switch (dtype) {
    case 'F32':
      return (bytes) => new Float32Array(aligned(bytes));
    case 'F64':
      return (bytes) => new Float32Array(new Float64Array(aligned(bytes)));
    case 'F16':
      return (bytes) => Float32Array.from(new Uint16Array(aligned(bytes)), halfToNumber);
    case 'BF16':
      return bfloat16;
    default:
      return null;
  }
}

/** The bytes in a buffer of their own, so that a typed array can lie over them. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  return isWhole && buffer instanceof ArrayBuffer ? buffer : new Uint8Array(bytes).buffer;
}

/** bfloat16 is the upper half of a float32. */
function bfloat16(bytes: Uint8Array): Float32Array {
  const words = Uint32Array.from(new Uint16Array(aligned(bytes)), (half) => half * 65536);
  return new Float32Array(words.buffer);
}

/** IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A number of 8 bits: 1 sign, `exponentBits` and the rest of fraction (Micikevicius et al., 2022). */
function eightBitToNumber(byte: number, exponentBits: 4 | 5): number {
  const fractionBits = 7 - exponentBits;
  const sign = byte & 0x80 ? -1 : 1;
  const exponent = (byte & 0x7f) >> fractionBits;
  const fraction = byte & (2 ** fractionBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponentBits === 4 && (byte & 0x7f) === 0x7f) return NaN;
  if (exponentBits === 5 && exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  const scale = 2 ** -fractionBits;
  if (exponent === 0) return sign * fraction * scale * 2 ** (1 - bias);
  return sign * (1 + fraction * scale) * 2 ** (exponent - bias);
}

/** Every element type as 64-bit numbers; whole numbers beyond 2^53 are rounded. */
export function toNumbers(dtype: TensorDtype, bytes: Uint8Array): Float64Array {
  switch (dtype) {
    case 'F64':
      return new Float64Array(aligned(bytes));
    case 'F32':
    case 'F16':
    case 'BF16':
      return new Float64Array(toFloat32(dtype)!(bytes));
    case 'F8_E4M3':
      return Float64Array.from(bytes, (byte) => eightBitToNumber(byte, 4));
    case 'F8_E5M2':
      return Float64Array.from(bytes, (byte) => eightBitToNumber(byte, 5));
    case 'I64':
      return Float64Array.from(new BigInt64Array(aligned(bytes)), Number);
    case 'U64':
      return Float64Array.from(new BigUint64Array(aligned(bytes)), Number);
    case 'I32':
      return new Float64Array(new Int32Array(aligned(bytes)));
    case 'U32':
      return new Float64Array(new Uint32Array(aligned(bytes)));
    case 'I16':
      return new Float64Array(new Int16Array(aligned(bytes)));
    case 'U16':
      return new Float64Array(new Uint16Array(aligned(bytes)));
    case 'I8':
      return new Float64Array(new Int8Array(aligned(bytes)));
    case 'U8':
    case 'BOOL':
      return new Float64Array(bytes);
  }
}
