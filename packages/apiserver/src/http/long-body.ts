import type { ServerResponse } from "node:http";

/** A body that is too large to be put into one piece of memory for each answer. */
export interface LongBody {
  readonly bytes: number;
  readonly parts: readonly Buffer[];
}

const comma = Buffer.from(",");

/** `start`, the items with commas between, `end`. */
export function listBody(start: string, items: readonly Buffer[], end: string): LongBody {
  const parts = [Buffer.from(start), ...items.flatMap((item, index) => (index === 0 ? [item] : [comma, item])), Buffer.from(end)];
  return { bytes: parts.reduce((sum, part) => sum + part.length, 0), parts };
}

/** What is copied together and written at once: many TLS records, and little memory for each answer under way. */
const chunkBytes = 256 * 1024;
/** Chunks that are kept for the next answers. Memory for whole lists, asked for anew each time, took 60 MiB before the collector came. */
const chunksKept = 4;
const chunks: Buffer[] = [];

/** Writes the parts chunk by chunk, no faster than they leave; each byte is copied once. The head has been written. Rejects when the client left. */
export async function sendLongBody(response: ServerResponse, { parts }: LongBody): Promise<void> {
  const chunk = chunks.pop() ?? Buffer.allocUnsafeSlow(chunkBytes);
  let used = 0;
  for (const part of parts) {
    for (let from = 0; from < part.length;) {
      if (used === chunkBytes) {
        await written(response, chunk);
        used = 0;
      }
      const copied = part.copy(chunk, used, from);
      from += copied;
      used += copied;
    }
  }
  await written(response, chunk.subarray(0, used));
  if (chunks.length < chunksKept) chunks.push(chunk); // after a failure somebody may still hold it
  response.end();
}

function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}
