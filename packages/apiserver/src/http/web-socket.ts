// WebSockets of subresources that are streams: the frames are passed on, never read.
import { createHash } from "node:crypto";
import { ServerResponse, type IncomingMessage } from "node:http";
import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A connection whose request asked for a WebSocket. */
export interface Upgradable {
  readonly socket: Duplex;
  /** What came behind the request. */
  readonly head: Buffer;
}

/** Hands requests for WebSockets to `serve` like all others, and keeps their connections until it is known whether they get one. What is refused ends its connection. */
export function takeUpgrades(server: Server, serve: (request: IncomingMessage, response: ServerResponse) => void): WeakMap<IncomingMessage, Upgradable> {
  const upgrades = new WeakMap<IncomingMessage, Upgradable>();
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.on("finish", () => socket.end());
    socket.on("error", () => socket.destroy());
    serve(request, response);
  });
  return upgrades;
}

/** RFC 6455 §1.3: what a server mixes into the key, to prove that it speaks WebSocket. */
const webSocketGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The subprotocols of a WebSocket that a request asks for; undefined when it asks for none. */
export function webSocketProtocols({ headers, method }: IncomingMessage): readonly string[] | undefined {
  if (method !== "GET" || headers.upgrade?.toLowerCase() !== "websocket" || headers["sec-websocket-key"] === undefined) return undefined;
  return (headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** Accepts the WebSocket and hands its frames to and fro, as they are, until one of both ends or `signal` aborts. */
export async function passOn(
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  upgraded: Upgradable,
  far: { readonly protocol: string; readonly socket: Duplex; readonly signal: AbortSignal },
): Promise<void> {
  const key = request.headers["sec-websocket-key"] ?? "";
  const accept = createHash("sha1").update(`${key}${webSocketGuid}`).digest("base64");
  const near = upgraded.socket;
  response.detachSocket(near as Socket);
  near.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${far.protocol}\r\n\r\n`,
  );
  if (upgraded.head.length > 0) far.socket.write(upgraded.head);
  await new Promise<void>((resolve) => {
    const end = (): void => {
      near.destroy();
      far.socket.destroy();
      resolve();
    };
    near.on("error", end).on("close", end);
    // What the far side said last is still on its way to a slow reader.
    far.socket.on("error", end).on("close", () => near.end(end));
    if (far.signal.aborted) return end();
    far.signal.addEventListener("abort", end, { once: true });
    near.pipe(far.socket);
    far.socket.pipe(near);
  });
}
