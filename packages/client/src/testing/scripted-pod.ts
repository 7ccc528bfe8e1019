import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { decodeFrames, frameHeader, Opcode } from "../streams/websocket-frames.ts";

/** The server's end of a WebSocket, as a test drives it. */
export interface PodSide {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** Messages that the client sent: channel and bytes. */
  readonly received: { channel: number; data: Buffer }[];
  send(channel: number, data: string | Uint8Array): void;
  frame(opcode: Opcode, data: Uint8Array): void;
}

/** A server that takes exec and port-forward upgrades, on loopback. `refuse` answers in place of upgrading. */
export async function scriptedPod(
  script: (pod: PodSide) => void | Promise<void>,
  options: { readonly protocol?: string; readonly refuse?: string } = {},
): Promise<{ readonly url: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("upgrade", (request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => {});
    if (options.refuse !== undefined) return void socket.end(options.refuse);
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    const protocol = options.protocol ?? String(request.headers["sec-websocket-protocol"]).split(",")[0];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    );
    const frame = (opcode: Opcode, data: Uint8Array) => void socket.write(Buffer.concat([frameHeader(opcode, data.length, 0), data]));
    const pod: PodSide = {
      request,
      socket,
      received: [],
      frame,
      send: (channel, data) => frame(Opcode.Binary, Buffer.concat([Buffer.from([channel]), Buffer.from(data)])),
    };
    void (async () => {
      for await (const { opcode, payload } of decodeFrames(socket)) {
        if (opcode === Opcode.Binary) pod.received.push({ channel: payload[0] ?? -1, data: Buffer.from(payload.subarray(1)) });
        else if (opcode === Opcode.Pong) pod.received.push({ channel: -1, data: Buffer.from(payload) });
      }
    })().catch(() => {}); // the client cut the connection: what was received is still there
    void script(pod);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
