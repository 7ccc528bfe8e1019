import type { IncomingMessage } from "node:http";
import { PlatformError } from "@threeport/resource";

/** The whole body of a request; undefined when it says that it has none. A body above `bytesMax` is refused as soon as that is known. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer | undefined> | undefined {
  const said = request.headers["content-length"];
  if (said === undefined && request.headers["transfer-encoding"] === undefined) return undefined;
  if (Number(said ?? 0) > bytesMax) throw tooLarge(bytesMax);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else reject(tooLarge(bytesMax)); // what still comes is thrown away with the answer
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", () => reject(new PlatformError("TP_BAD_REQUEST", { message: "the client left before its request was whole" })));
  });
}

function tooLarge(bytesMax: number): PlatformError {
  return new PlatformError("TP_TOO_LARGE", { message: `Request entity too large: limit is ${bytesMax} bytes` });
}
