import type { Server } from "node:net";

/**
 * Bounds the connections from one address on which nobody has been recognised yet (I9, I15): handshakes and half requests
 * cost, and there is no user yet whom they could be counted for. Returns what is to be called for a connection on which
 * somebody was.
 */
export function boundStrangers(
  server: Pick<Server, "on">,
  perAddressMax: number,
): (socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }) => void {
  const strangers = new Map<string, Set<number>>();
  const known = new WeakSet<object>();

  function forget(address: string, port: number): void {
    const ports = strangers.get(address);
    ports?.delete(port);
    if (ports?.size === 0) strangers.delete(address);
  }

  server.on("connection", (socket) => {
    const { remoteAddress: address = "", remotePort: port = 0 } = socket;
    const ports = strangers.get(address) ?? new Set();
    if (ports.size >= perAddressMax) {
      socket.destroy();
      return;
    }
    strangers.set(address, ports.add(port));
    socket.on("close", () => forget(address, port));
  });
  // The socket of a request is the encrypted one above that of the connection: address and port are the same.
  return (socket) => {
    if (known.has(socket)) return;
    known.add(socket);
    forget(socket.remoteAddress ?? "", socket.remotePort ?? 0);
  };
}
