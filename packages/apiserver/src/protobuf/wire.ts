import { PlatformError } from "@threeport/resource";

/** How a value stands on the wire. The two group types of old protobuf (3 and 4) are no part of any Kubernetes message. */
export const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

/** Longest varint, in bytes: 64 bits in groups of 7. */
const varintBytesMax = 10;
/** As many bytes of a varint as a double adds up exactly: 7 · 7 = 49 bits. */
const exactVarintBytes = 7;
/** Highest field number that protobuf allows. */
const fieldNumberMax = 2 ** 29 - 1;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads protobuf's wire format from a part of a body. Nothing is copied and nothing is allocated by a length that the
 * body merely claims: each length is checked against the bytes that are there.
 * Every method throws TP_BAD_REQUEST for a body that ends too early or breaks the format; the text names the byte.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and wire type. */
  tag(): { readonly number: number; readonly wireType: WireType } {
    const start = this.#at;
    const tag = this.varint();
    const number = typeof tag === "bigint" ? 0 : Math.floor(tag / 8);
    if (number < 1 || number > fieldNumberMax) throw malformed(start, "there is no valid field number");
    const wireType = wireTypeOf(Number(tag) % 8);
    if (wireType === undefined) throw malformed(start, `field ${number} has a wire type that is not in use`);
    return { number, wireType };
  }

  /** An unsigned 64-bit number: a bigint where it may not fit into a double. */
  varint(): number | bigint {
    const start = this.#at;
    let value = 0;
    for (let index = 0; index < varintBytesMax; index++) {
      const byte = this.#byte();
      if (index < exactVarintBytes) value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return index < exactVarintBytes ? value : this.#wideVarint(start);
    }
    throw malformed(start, "a number is longer than 64 bits");
  }

  /** The bytes that a length-delimited value consists of, as a reader of their own. */
  message(): WireReader {
    const start = this.#take();
    return new WireReader(this.#bytes, start, this.#at);
  }

  /** The bytes of a length-delimited value; a view, not a copy. */
  bytes(): Uint8Array {
    const start = this.#take();
    return this.#bytes.subarray(start, this.#at);
  }

  string(): string {
    const start = this.#take();
    if (start === this.#at) return ""; // the most frequent text: Go writes every field that is no pointer
    try {
      return utf8.decode(this.#bytes.subarray(start, this.#at));
    } catch (cause) {
      throw malformed(start, "a text is not valid UTF-8", cause);
    }
  }

  double(): number {
    const start = this.#skipBytes(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, 8).getFloat64(0, true);
  }

  /** Passes over a value of a field that nobody knows. */
  skip(wireType: WireType): void {
    if (wireType === WireType.Varint) this.varint();
    else if (wireType === WireType.Bytes) this.#take();
    else this.#skipBytes(wireType === WireType.Fixed64 ? 8 : 4);
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw malformed(this.#at, "it ends in the middle of a number");
    this.#at++;
    return byte;
  }

  /** Moves behind a length-delimited value and answers where it begins. */
  #take(): number {
    const start = this.#at;
    const length = this.varint();
    if (typeof length === "bigint" || length > this.#end - this.#at) throw malformed(start, "a value is longer than what is left of the body");
    return this.#skipBytes(length);
  }

  #skipBytes(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) throw malformed(start, "it ends in the middle of a value");
    this.#at = start + length;
    return start;
  }

  #wideVarint(start: number): bigint {
    let value = 0n;
    for (let at = start; at < this.#at; at++) value |= BigInt((this.#bytes[at] ?? 0) & 0x7f) << BigInt(7 * (at - start));
    if (value >= 1n << 64n) throw malformed(start, "a number is longer than 64 bits");
    return value;
  }
}

function wireTypeOf(value: number): WireType | undefined {
  switch (value) {
    case WireType.Varint:
    case WireType.Fixed64:
    case WireType.Bytes:
    case WireType.Fixed32:
      return value;
    default:
      return undefined;
  }
}

function malformed(at: number, what: string, cause?: unknown): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", {
    message: `The body is not valid Kubernetes protobuf at byte ${at}: ${what}.`,
    detail: { byte: at },
    ...(cause === undefined ? {} : { cause }),
  });
}
