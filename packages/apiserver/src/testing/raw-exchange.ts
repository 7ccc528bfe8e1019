import { once } from "node:events";
import { connect } from "node:tls";
import type { TestApi } from "./test-api.ts";

export interface RawResponse {
  readonly status: number;
  /** The head as it came, without the status line. */
  readonly head: string;
  readonly body: string;
}

export interface RawExchange {
  readonly responses: readonly RawResponse[];
  /** The server closed the connection within the deadline. */
  readonly closed: boolean;
}

export interface RawExchangeOptions {
  /** Written one after another, each as a packet of its own. */
  readonly bytes: readonly (string | Uint8Array)[];
  /** Answers to wait for; then the connection is left. Default: until the server closes it. */
  readonly responses?: number;
  readonly deadlineMs?: number;
}

/** Writes bytes that no HTTP library would, and reads what comes back. Never waits longer than the deadline. */
export async function rawExchange(api: Pick<TestApi, "port" | "caPem">, options: RawExchangeOptions): Promise<RawExchange> {
  const socket = connect({ host: "127.0.0.1", port: api.port, ca: api.caPem });
  const chunks: Buffer[] = [];
  let closed = false;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  socket.on("error", () => {}); // a reset is one of the answers that these tests look at
  socket.on("close", () => {
    closed = true;
    end();
  });
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    if (options.responses !== undefined && parseResponses(Buffer.concat(chunks)).length >= options.responses) end();
  });
  const timer = setTimeout(end, options.deadlineMs ?? 10_000);
  try {
    await Promise.race([once(socket, "secureConnect"), over]);
    socket.setNoDelay(true);
    for (const bytes of options.bytes) if (!socket.destroyed) await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
    await over;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return { responses: parseResponses(Buffer.concat(chunks)), closed };
}

/** Whole responses, one after another; what is left is ignored. */
function parseResponses(bytes: Buffer): RawResponse[] {
  const found: RawResponse[] = [];
  for (let at = 0; at < bytes.length;) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd < 0) break;
    const head = bytes.subarray(at, headEnd).toString("latin1");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? "0");
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? "0");
    const bodyEnd = headEnd + 4 + length;
    if (bodyEnd > bytes.length) break;
    found.push({ status, head: head.slice(head.indexOf("\r\n") + 2), body: bytes.subarray(headEnd + 4, bodyEnd).toString("utf8") });
    at = bodyEnd;
  }
  return found;
}
