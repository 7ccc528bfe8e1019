import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A way to a port that can be cut: TLS goes through it as it is. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Ends all connections, and refuses new ones until {@link mend}. */
  cut(): void;
  mend(): void;
}

/** `target` is asked for each connection: the server behind may have moved. */
export async function openTcpProxy(target: () => number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let open = true;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // either side may go at any time
  };
  const server = createServer((incoming) => {
    keep(incoming);
    if (!open) return void incoming.destroy();
    const outgoing = connect(target(), "127.0.0.1");
    keep(outgoing);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on("close", () => outgoing.destroy());
    outgoing.on("close", () => incoming.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    cut,
    mend: () => void (open = true),
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
