// A connection within this process, as a process with a life of its own has it: what is on its way is lost when that ends, and waits while that is paused.
import { Duplex } from "node:stream";

export interface WireOptions {
  /** Told of everything that moves. */
  readonly onTraffic: () => void;
  /** Resolves when what was sent to the client may come there. */
  readonly held: () => Promise<void>;
}

/** Both ends of a new connection. Destroying one destroys the other. */
export function openWire(options: WireOptions): { readonly client: Duplex; readonly server: Duplex } {
  const client: End = new End({ carry: (bytes) => deliver(server, bytes) });
  const server: End = new End({
    async carry(bytes) {
      await options.held();
      deliver(client, bytes);
    },
  });
  const deliver = (to: End, bytes: Buffer | null): void => {
    if (to.destroyed) return;
    options.onTraffic();
    to.push(bytes);
  };
  client.on("close", () => server.destroy());
  server.on("close", () => client.destroy());
  for (const end of [client, server]) end.on("error", () => {}); // the other side hears of the end by `close`
  return { client, server };
}

/** Null: the end of what this side sends. */
type Carry = (bytes: Buffer | null) => void | Promise<void>;

class End extends Duplex {
  readonly #carry: Carry;
  constructor({ carry }: { readonly carry: Carry }) {
    super();
    this.#carry = carry;
  }
  /** As of a socket: nothing here takes time, so nothing times out. */
  setTimeout(): this {
    return this;
  }
  override _read(): void {
    // Bytes are pushed as they come: both sides are in memory.
  }
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void Promise.resolve(this.#carry(bytes)).then(() => done());
  }
  override _final(done: (error?: Error | null) => void): void {
    void Promise.resolve(this.#carry(null)).then(() => done());
  }
}
