import { once } from "node:events";
import { connect, createSecureContext, type TLSSocket } from "node:tls";
import type { ConnectionConfig } from "../../../packages/client/src/index.ts";
import { systemClock } from "../../../packages/platform/src/index.ts";

/** Watches that are opened at the same time: more would only wait in the server's queue of new connections. */
const opening = 32;

export interface ManyWatchers extends AsyncDisposable {
  /** Events read so far, over all watchers. */
  readonly seen: number;
}

/**
 * Opens a watch for each path, on a connection of its own as HTTP/1.1 has it, with as little of a client as there can be: what is measured is the
 * server. `onEvent` hears the number that stands in `data.n` of each event.
 */
export async function openWatchers(connection: ConnectionConfig, paths: readonly string[], onEvent: (n: number) => void): Promise<ManyWatchers> {
  const { hostname, port } = new URL(connection.server);
  const secureContext = createSecureContext({ ca: connection.caData });
  const sockets: TLSSocket[] = [];
  let seen = 0;
  const open = async (path: string): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port), secureContext });
    sockets.push(socket);
    await once(socket, "secureConnect");
    socket.setEncoding("latin1");
    const answered = Promise.withResolvers<void>();
    let head = "";
    socket.on("error", (error) => answered.reject(error));
    socket.on("data", (text: string) => {
      if (head !== undefined && !head.includes("\r\n\r\n")) {
        head += text;
        if (!head.includes("\r\n\r\n")) return;
        if (head.startsWith("HTTP/1.1 200")) answered.resolve();
        else answered.reject(new Error(`${path}: ${head.slice(0, 300)}`));
      }
      for (const match of text.matchAll(/"n":"(\d+)"/g)) {
        seen++;
        onEvent(Number(match[1]));
      }
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${String(connection.token)}\r\nAccept: application/json\r\n\r\n`);
    await answered.promise;
  };
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(opening, paths.length) }, async () => {
      for (let path = paths[next++]; path !== undefined; path = paths[next++]) await open(path);
    }),
  );
  return {
    get seen() {
      return seen;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await systemClock.sleep(0);
    },
  };
}
