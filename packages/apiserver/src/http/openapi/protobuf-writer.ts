const startBytes = 64 * 1024;

/**
 * Writes protobuf's wire format from the end to the beginning: so the length of a message is known when it is written,
 * and nothing is copied to put it in front. Fields therefore come out in the reverse of the order in which they are written.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafe(startBytes);
  #start = startBytes;

  varintField(number: number, value: number): void {
    this.#varint(value);
    this.#varint(number * 8);
  }

  doubleField(number: number, value: number): void {
    this.#reserve(8);
    this.#buffer.writeDoubleLE(value, this.#start);
    this.#varint(number * 8 + 1);
  }

  stringField(number: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#reserve(length);
    this.#buffer.write(text, this.#start);
    this.#varint(length);
    this.#varint(number * 8 + 2);
  }

  /** Bytes that are written already, in parts. */
  bytesField(number: number, parts: readonly Buffer[]): void {
    let length = 0;
    for (const part of parts.toReversed()) {
      length += part.length;
      this.#reserve(part.length);
      part.copy(this.#buffer, this.#start);
    }
    this.#varint(length);
    this.#varint(number * 8 + 2);
  }

  /** What `write` writes becomes the message in this field. */
  messageField(number: number, write: () => void): void {
    const before = this.#buffer.length - this.#start;
    write();
    this.#varint(this.#buffer.length - this.#start - before);
    this.#varint(number * 8 + 2);
  }

  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(this.#start));
  }

  /** Non-negative integers up to 2^53. */
  #varint(value: number): void {
    let bytes = 1;
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes++;
    this.#reserve(bytes);
    let left = value;
    for (let at = this.#start; at < this.#start + bytes; at++) {
      this.#buffer[at] = (left % 128) + (at < this.#start + bytes - 1 ? 128 : 0);
      left = Math.floor(left / 128);
    }
  }

  /** Makes room for `bytes` in front of what is there, and moves there. */
  #reserve(bytes: number): void {
    if (bytes > this.#start) {
      const used = this.#buffer.length - this.#start;
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + bytes + startBytes));
      this.#buffer.copy(larger, larger.length - used, this.#start);
      this.#start = larger.length - used;
      this.#buffer = larger;
    }
    this.#start -= bytes;
  }
}
