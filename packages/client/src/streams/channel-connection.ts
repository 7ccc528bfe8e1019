import { once } from "node:events";
import type { Duplex } from "node:stream";
import { PlatformError } from "@threeport/resource";
import { networkError } from "../http/network-error.ts";
import type { CallOptions, Transport } from "../http/send-options.ts";
import type { Query } from "../http/query.ts";
import { decodeFrames, encodeFrame, messageBytesMax, Opcode } from "./websocket-frames.ts";

/** Kubernetes' way to carry several streams in one WebSocket: the first byte of each message is the stream's number. */
export interface ChannelConnection {
  /** The subprotocol that the server chose; `v5.channel.k8s.io` can end single streams. */
  readonly protocol: string;
  /** Messages until the server closes. Reading is what lets the server go on. */
  messages(): AsyncIterable<{ readonly channel: number; readonly data: Buffer }>;
  /** Resolves when the bytes are on their way, so that a fast writer waits for a slow connection. */
  send(channel: number, data: Uint8Array): Promise<void>;
  /** Ends the connection; what is on its way may be lost. */
  close(): void;
}

export interface OpenChannels extends CallOptions {
  readonly query: Query;
  readonly protocols: readonly string[];
}

/** Pieces in which bytes go out; a message has a header of a few bytes, and servers refuse very long ones. */
const pieceBytes = 32 * 1024;

export async function openChannels(transport: Transport, path: string, options: OpenChannels): Promise<ChannelConnection> {
  const { socket, protocol } = await transport.upgrade(path, options);
  const { signal } = options;
  const onAbort = () => socket.destroy(signal?.reason as Error);
  signal?.addEventListener("abort", onAbort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", onAbort));
  socket.on("error", () => {}); // readers and writers get it from their own calls
  const translate = (error: unknown): unknown => (signal?.aborted === true ? signal.reason : networkError(error, transport.host));

  async function write(bytes: Buffer): Promise<void> {
    if (socket.destroyed || !socket.writable) throw new PlatformError("TP_RUNTIME_UNREACHABLE", { message: `${transport.host} has closed the connection` });
    if (socket.write(bytes)) return;
    const waited = new AbortController(); // takes the listener of the event that did not come away again
    try {
      await Promise.race([once(socket, "drain", { signal: waited.signal }), once(socket, "close", { signal: waited.signal })]);
    } catch (error) {
      throw translate(error);
    } finally {
      waited.abort();
    }
  }

  return {
    protocol,
    close: () => socket.destroy(),
    async *messages() {
      try {
        for await (const message of wholeMessages(socket, write)) {
          const channel = message[0];
          if (channel !== undefined) yield { channel, data: message.subarray(1) };
        }
      } catch (error) {
        throw translate(error);
      } finally {
        socket.destroy();
      }
    },
    async send(channel, data) {
      for (let start = 0; start === 0 || start < data.length; start += pieceBytes) {
        await write(encodeFrame(Opcode.Binary, Buffer.concat([Buffer.from([channel]), data.subarray(start, start + pieceBytes)])));
      }
    },
  };
}

/** Puts fragments together and answers control frames. */
async function* wholeMessages(socket: Duplex, write: (bytes: Buffer) => Promise<void>): AsyncIterable<Buffer> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  for await (const { opcode, final, payload } of decodeFrames(socket as AsyncIterable<Uint8Array>)) {
    switch (opcode) {
      case Opcode.Ping:
        await write(encodeFrame(Opcode.Pong, payload));
        break;
      case Opcode.Pong:
        break;
      case Opcode.Close:
        socket.end(encodeFrame(Opcode.Close, payload.subarray(0, 2)));
        return;
      default:
        parts.push(payload);
        partBytes += payload.length;
        if (partBytes > messageBytesMax) throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: "a WebSocket message is too long" });
        if (!final) break;
        yield parts.length === 1 ? payload : Buffer.concat(parts);
        parts = [];
        partBytes = 0;
    }
  }
}
