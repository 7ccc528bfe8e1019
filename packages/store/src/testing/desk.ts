import { once } from "node:events";
import { createServer } from "node:net";
import type { ConnectionOptions } from "../embedded/connection-options.ts";

/**
 * Where tests ask for the database server: a Unix socket on which everybody who connects gets one JSON answer. The first one makes `start` run, so
 * a run without such tests starts no server.
 */
export async function openDesk(address: string, start: () => Promise<ConnectionOptions>): Promise<AsyncDisposable> {
  let started: Promise<ConnectionOptions> | undefined;
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the asker went away
    started ??= start();
    started.then(
      (connection) => socket.end(JSON.stringify({ connection })),
      (error: unknown) => socket.end(JSON.stringify({ error: error instanceof Error ? error.message : String(error) })),
    );
  });
  server.listen(address);
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
