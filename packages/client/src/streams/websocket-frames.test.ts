import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeFrames, encodeFrame, messageBytesMax, Opcode } from "./websocket-frames.ts";

async function* inChunks(bytes: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

test("what is encoded is decoded, for every form of length and any cut into chunks", async () => {
  const length = fc.oneof(fc.nat({ max: 130 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
  await fc.assert(
    fc.asyncProperty(fc.array(length, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 5_000 }), async (lengths, chunk) => {
      const payloads = lengths.map((size, index) => Buffer.alloc(size, index + 1));
      const bytes = Buffer.concat(payloads.map((payload) => encodeFrame(Opcode.Binary, payload)));
      const frames = await Array.fromAsync(decodeFrames(inChunks(bytes, chunk)));
      expect(frames.map(({ opcode, final, payload }) => ({ opcode, final, payload: payload.toString("hex") }))).toEqual(
        payloads.map((payload) => ({ opcode: Opcode.Binary, final: true, payload: payload.toString("hex") })),
      );
    }),
    { numRuns: 50 },
  );
});

test("a frame that announces too much is refused before it is collected", async () => {
  const header = Buffer.alloc(10);
  header.writeUInt8(0x82, 0);
  header.writeUInt8(127, 1);
  header.writeBigUInt64BE(BigInt(messageBytesMax + 1), 2);
  await expect(Array.fromAsync(decodeFrames(inChunks(header, 10)))).rejects.toThrow("too long");
});

test("a compressed frame is refused, because no compression was asked for", async () => {
  await expect(Array.fromAsync(decodeFrames(inChunks(Buffer.from([0xc2, 0]), 2)))).rejects.toThrow("an extension that nobody asked for");
});
