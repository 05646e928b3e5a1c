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
