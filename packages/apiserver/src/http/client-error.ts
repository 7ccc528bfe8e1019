import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "@threeport/platform";
import { PlatformError, toStatus } from "@threeport/resource";

/** A client that is still sending would lose the answer with the connection: what it sends is thrown away this long. */
const lingerMs = 1_000;

/**
 * What arrived is no HTTP request: it is answered with a Status too, and the connection ends, because nobody knows where
 * the next request would begin. Nothing is written into an answer that is under way.
 */
export function answerClientErrors(server: Pick<Server, "on">, clock: Clock): (error: NodeJS.ErrnoException, socket: Socket) => void {
  const answers = new WeakMap<Socket, ServerResponse>();
  const refused = new WeakSet<Socket>();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => answers.set(request.socket, response));
  return (error, socket) => {
    if (refused.has(socket)) return;
    refused.add(socket);
    const answer = answers.get(socket);
    const underWay = answer !== undefined && answer.headersSent && !answer.writableFinished;
    if (error.code === "ECONNRESET" || !socket.writable || underWay) {
      socket.destroy();
      return;
    }
    socket.removeAllListeners("data");
    socket.resume();
    socket.end(asHttp(toClientError(error)));
    const cut = clock.after(lingerMs, () => socket.destroy());
    socket.on("close", () => cut[Symbol.dispose]());
  };
}

function toClientError(error: NodeJS.ErrnoException): PlatformError {
  switch (error.code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new PlatformError("TP_REQUEST_TIMEOUT", { message: "the request did not arrive whole in time; send it again" });
    case "HPE_HEADER_OVERFLOW":
      return new PlatformError("TP_HEADERS_TOO_LARGE", { message: "the URL and headers are too large together; shorten the selectors or the token" });
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return new PlatformError("TP_TOO_LARGE", { message: "the chunk extensions of the body are too large; leave them out" });
    default:
      return new PlatformError("TP_BAD_REQUEST", { message: "this is not an HTTP request that can be understood" });
  }
}

function asHttp(error: PlatformError): string {
  const { http } = error.entry;
  const body = JSON.stringify(toStatus(error));
  return `HTTP/1.1 ${http} ${STATUS_CODES[http] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
