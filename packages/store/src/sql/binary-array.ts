/** Arrays as PostgreSQL's protocol carries them in binary: nothing is escaped here and nothing is parsed there. */

/** Numbers of types in PostgreSQL's catalog; they never change. */
const types = { bool: 16, int8: 20, int4: 23, text: 25 } as const;
/** Dimensions, whether there are NULLs, type; then length and first index of the one dimension. */
const headBytes = 20;
const emptyBytes = 12;

export function textArray(values: readonly string[]): Buffer {
  let bytes = 0;
  for (const value of values) bytes += 4 + Buffer.byteLength(value);
  const array = begin("text", values.length, bytes);
  let at = headBytes;
  for (const value of values) {
    const length = array.write(value, at + 4);
    array.writeInt32BE(length, at);
    at += 4 + length;
  }
  return array;
}

export function int4Array(values: readonly number[]): Buffer {
  const array = begin("int4", values.length, 8 * values.length);
  let at = headBytes;
  for (const value of values) {
    array.writeInt32BE(4, at);
    array.writeInt32BE(value, at + 4);
    at += 8;
  }
  return array;
}

/** Whole numbers that a double holds exactly. */
export function int8Array(values: readonly number[]): Buffer {
  const array = begin("int8", values.length, 12 * values.length);
  let at = headBytes;
  for (const value of values) {
    array.writeInt32BE(8, at);
    array.writeInt32BE(Math.floor(value / 2 ** 32), at + 4);
    array.writeUInt32BE(((value % 2 ** 32) + 2 ** 32) % 2 ** 32, at + 8);
    at += 12;
  }
  return array;
}

export function boolArray(values: readonly boolean[]): Buffer {
  const array = begin("bool", values.length, 5 * values.length);
  let at = headBytes;
  for (const value of values) {
    array.writeInt32BE(1, at);
    array[at + 4] = value ? 1 : 0;
    at += 5;
  }
  return array;
}

function begin(type: keyof typeof types, length: number, bytes: number): Buffer {
  const array = Buffer.allocUnsafe(length === 0 ? emptyBytes : headBytes + bytes);
  array.writeInt32BE(length === 0 ? 0 : 1, 0);
  array.writeInt32BE(0, 4);
  array.writeInt32BE(types[type], 8);
  if (length > 0) {
    array.writeInt32BE(length, 12);
    array.writeInt32BE(1, 16);
  }
  return array;
}
