import { randomBytes } from "node:crypto";
import { PlatformError } from "@threeport/resource";

// The part of RFC 6455 that a client of API servers needs: whole binary messages, control frames, no extensions.

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

export interface Frame {
  readonly opcode: Opcode;
  /** Last frame of its message. */
  readonly final: boolean;
  readonly payload: Buffer;
}

/** Longest message that is collected. API servers send pieces of 32 KiB; a Status at the end may be larger. */
export const messageBytesMax = 4 * 1024 * 1024;

/** A frame as clients must send it: masked. */
export function encodeFrame(opcode: Opcode, payload: Uint8Array): Buffer {
  const mask = randomBytes(4);
  const header = frameHeader(opcode, payload.length, 0x80);
  const frame = Buffer.allocUnsafe(header.length + 4 + payload.length);
  frame.set(header, 0);
  frame.set(mask, header.length);
  applyMask(payload, mask, frame.subarray(header.length + 4));
  return frame;
}

export function frameHeader(opcode: Opcode, length: number, maskBit: 0 | 0x80): Buffer {
  const first = 0x80 | opcode;
  if (length < 126) return Buffer.from([first, maskBit | length]);
  if (length < 65_536) return Buffer.from([first, maskBit | 126, length >> 8, length & 0xff]);
  const header = Buffer.alloc(10);
  header.writeUInt8(first, 0);
  header.writeUInt8(maskBit | 127, 1);
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** Cuts bytes into frames; a frame may come in any number of chunks. Ends quietly where the bytes end. */
export async function* decodeFrames(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Frame> {
  let parts: Uint8Array[] = [];
  let partBytes = 0;
  let needed = 2; // chunks are put together only when they can hold a frame, so that tiny chunks cost no squares
  for await (const chunk of chunks) {
    parts.push(chunk);
    partBytes += chunk.length;
    if (partBytes < needed) continue;
    let bytes = parts.length === 1 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat(parts);
    let size = frameSize(bytes);
    for (; bytes.length >= size.total; size = frameSize(bytes)) {
      yield readFrame(bytes, size);
      bytes = bytes.subarray(size.total);
    }
    parts = [bytes];
    partBytes = bytes.length;
    needed = size.total;
  }
}

interface FrameSize {
  readonly header: number;
  /** Of header and payload; of what must be there to know more, while the header is not complete. */
  readonly total: number;
}

function frameSize(bytes: Buffer): FrameSize {
  if (bytes.length < 2) return { header: 2, total: 2 };
  const second = bytes.readUInt8(1);
  const short = second & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const header = 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4);
  if (bytes.length < header) return { header, total: header };
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (length > messageBytesMax) throw invalid("a WebSocket frame is too long");
  return { header, total: header + length };
}

function readFrame(bytes: Buffer, { header, total }: FrameSize): Frame {
  const first = bytes.readUInt8(0);
  if ((first & 0x70) !== 0) throw invalid("a WebSocket frame uses an extension that nobody asked for");
  const payload = bytes.subarray(header, total);
  if ((bytes.readUInt8(1) & 0x80) !== 0) applyMask(payload, bytes.subarray(header - 4, header), payload);
  return { opcode: (first & 0x0f) as Opcode, final: (first & 0x80) !== 0, payload };
}

function applyMask(from: Uint8Array, mask: Uint8Array, to: Uint8Array): void {
  for (let index = 0; index < from.length; index++) to[index] = (from[index] ?? 0) ^ (mask[index & 3] ?? 0);
}

function invalid(message: string): PlatformError {
  return new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message });
}
