import { PlatformError } from "@threeport/resource";

const lineFeed = 0x0a;

/**
 * Cuts a stream of bytes into lines. A line may arrive in any number of chunks; UTF-8 is decoded only when a line is whole.
 * `onRest` decides what a stream that ends in the middle of a line means.
 * @throws PlatformError TP_RUNTIME_ANSWER_INVALID when a line is longer than `lineBytesMax`
 */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly lineBytesMax: number; readonly onRest: (rest: string) => string | undefined },
): AsyncIterable<string> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      checkLength(partBytes + end - start, options.lineBytesMax);
      if (partBytes === 0) yield bytes.toString("utf8", start, end);
      else {
        parts.push(bytes.subarray(start, end));
        yield Buffer.concat(parts).toString("utf8");
        parts = [];
        partBytes = 0;
      }
      start = end + 1;
    }
    if (start < bytes.length) {
      checkLength(partBytes + bytes.length - start, options.lineBytesMax);
      parts.push(start === 0 ? bytes : bytes.subarray(start));
      partBytes += bytes.length - start;
    }
  }
  if (partBytes === 0) return;
  const rest = options.onRest(Buffer.concat(parts).toString("utf8"));
  if (rest !== undefined) yield rest;
}

function checkLength(bytes: number, lineBytesMax: number): void {
  if (bytes <= lineBytesMax) return;
  throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: `the server sent a line longer than ${lineBytesMax} bytes` });
}
